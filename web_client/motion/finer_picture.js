// A part of a picture at four times its resolution, made once, so that a pixel that moved by a fraction is one look-up and not an
// interpolation of sixteen: an eighth of a pixel is the most that it misses.

import { STEPS, WEIGHTS } from "./cubic.js";

export const FINER = 4;
const PHASE = 4 * (STEPS / FINER); // from one quarter's weights to the next one's

/** `rgba`: of the part, [height · width · 4] → Uint32Array [4 height · 4 width], each a pixel as ImageData keeps it. */
export function finer(rgba, width, height) {
  const wide = acrossRows(rgba, width, height);
  const out = new Uint8ClampedArray(4 * FINER * width * FINER * height);
  const row = 4 * FINER * width;
  for (let y = 0; y < FINER * height; y++) {
    const [r0, r1, r2, r3] = taps(y, height).map((place) => place * row);
    const at = PHASE * (y % FINER);
    const [w0, w1, w2, w3] = WEIGHTS.subarray(at, at + 4);
    for (let x = 0, o = y * row; x < row; x++, o++) out[o] = w0 * wide[r0 + x] + w1 * wide[r1 + x] + w2 * wide[r2 + x] + w3 * wide[r3 + x];
  }
  return new Uint32Array(out.buffer);
}

function acrossRows(rgba, width, height) {
  const out = new Float32Array(4 * FINER * width * height);
  for (let x = 0; x < FINER * width; x++) {
    const [c0, c1, c2, c3] = taps(x, width).map((place) => 4 * place);
    const at = PHASE * (x % FINER);
    const [w0, w1, w2, w3] = WEIGHTS.subarray(at, at + 4);
    for (let y = 0; y < height; y++) {
      const from = 4 * width * y;
      const to = 4 * (FINER * width * y + x);
      for (let i = 0; i < 4; i++) {
        out[to + i] = w0 * rgba[from + c0 + i] + w1 * rgba[from + c1 + i] + w2 * rgba[from + c2 + i] + w3 * rgba[from + c3 + i];
      }
    }
  }
  return out;
}

/** The four elements around a quarter's place; beyond the border lies the border. */
function taps(place, size) {
  const first = Math.floor(place / FINER) - 1;
  return [0, 1, 2, 3].map((tap) => Math.min(size - 1, Math.max(0, first + tap)));
}
