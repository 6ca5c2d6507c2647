// The flow for every crop pixel: enlarged from its cells, faded out at the crop's border.

import { CROP_SIZE, FLOW_CELLS } from "./atlas.js";
import { enlarge } from "./cubic.js";

const EDGE = 3;
const FADE = Float32Array.from({ length: CROP_SIZE }, (_, i) => {
  const t = Math.min(1, Math.min(i, CROP_SIZE - 1 - i) / EDGE);
  return t * t * (3 - 2 * t);
});

/** [28 · 28 · 2] → [112 · 112 · 2], in crop pixels. */
export function fineFlow(flow) {
  const fine = enlarge(flow, FLOW_CELLS, CROP_SIZE);
  for (let y = 0, i = 0; y < CROP_SIZE; y++) {
    for (let x = 0; x < CROP_SIZE; x++, i += 2) {
      const edge = FADE[y] * FADE[x];
      fine[i] *= edge;
      fine[i + 1] *= edge;
    }
  }
  return fine;
}
