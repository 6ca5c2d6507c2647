// Draws a portrait's layers without WebGL: the same steps, point by point, over the face alone.

import { CROP_SIZE, FLOW_CELLS } from "./atlas.js";

const EDGE = 3;
const A = -0.75;

export class CanvasPainter {
  #context;
  #atlas;
  #still; // the portrait's pixels under the crop
  #whole;
  #left;
  #top;
  #places; // of each of them in the crop: x, y
  #linear;

  /** `canvas`: of the portrait's size, with no context yet. `portrait`: ImageBitmap. `atlas`: its header is read. */
  constructor(canvas, portrait, atlas) {
    this.#context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.#atlas = atlas;
    this.#context.drawImage(portrait, 0, 0);
    const side = canvas.width;
    const [xx, xy, x, yx, yy, y] = atlas.header.toPicture.map((value) => value * side);
    this.#linear = [xx, xy, yx, yy];
    const corners = [[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE], [CROP_SIZE, CROP_SIZE]].map(([u, v]) => [xx * u + xy * v + x, yx * u + yy * v + y]);
    const bounds = (axis) => {
      const values = corners.map((corner) => corner[axis]);
      return [Math.max(0, Math.floor(Math.min(...values))), Math.min(side, Math.ceil(Math.max(...values)) + 1)];
    };
    const [[left, right], [top, bottom]] = [bounds(0), bounds(1)];
    this.#left = left;
    this.#top = top;
    this.#whole = this.#context.getImageData(0, 0, side, side);
    this.#still = this.#context.getImageData(left, top, right - left, bottom - top);
    const determinant = xx * yy - xy * yx;
    this.#places = new Float32Array(2 * this.#still.width * this.#still.height);
    for (let row = 0, i = 0; row < this.#still.height; row++) {
      for (let column = 0; column < this.#still.width; column++, i += 2) {
        const [dx, dy] = [left + column - x, top + row - y];
        this.#places[i] = (yy * dx - xy * dy) / determinant;
        this.#places[i + 1] = (xx * dy - yx * dx) / determinant;
      }
    }
  }

  /** One frame: { flow, paint } as atlas.js makes them. */
  draw({ flow, paint }) {
    const { width, height, data } = this.#still;
    const shown = new ImageData(new Uint8ClampedArray(data), width, height);
    const dense = finerFlow(flow);
    const [xx, xy, yx, yy] = this.#linear;
    const moved = new Float32Array(2);
    for (let i = 0; i < width * height; i++) {
      const [u, v] = [this.#places[2 * i], this.#places[2 * i + 1]];
      if (u > 0 && v > 0 && u < CROP_SIZE - 1 && v < CROP_SIZE - 1) {
        bilinear(dense, CROP_SIZE, u, v, moved);
        const x = this.#left + (i % width) + xx * moved[0] + xy * moved[1];
        const y = this.#top + Math.floor(i / width) + yx * moved[0] + yy * moved[1];
        cubicPixel(this.#whole, x, y, shown.data, 4 * i);
      }
      this.#lay(paint, u, v, shown.data, 4 * i);
    }
    this.#context.putImageData(shown, this.#left, this.#top);
  }

  close() {
    this.#still = null;
  }

  #lay(paint, u, v, out, place) {
    const { box, height, width } = this.#atlas.header;
    const [x, y] = [u - box[0], v - box[1]];
    if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) return;
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [across, down] = [weights(x - left), weights(y - top)];
    let [r, g, b, mask] = [0, 0, 0, 0];
    for (let j = 0; j < 4; j++) {
      const row = Math.min(height - 1, Math.max(0, top - 1 + j)) * width;
      for (let i = 0; i < 4; i++) {
        const from = 4 * (row + Math.min(width - 1, Math.max(0, left - 1 + i)));
        const weight = across[i] * down[j];
        r += weight * paint[from];
        g += weight * paint[from + 1];
        b += weight * paint[from + 2];
        mask += weight * paint[from + 3];
      }
    }
    out[place] = out[place] * (1 - mask) + r;
    out[place + 1] = out[place + 1] * (1 - mask) + g;
    out[place + 2] = out[place + 2] * (1 - mask) + b;
  }
}

/** The flow, [28 · 28 · 2], for every crop pixel, cubic and faded out at the border: [112 · 112 · 2]. */
function finerFlow(flow) {
  const out = new Float32Array(2 * CROP_SIZE * CROP_SIZE);
  const scale = CROP_SIZE / FLOW_CELLS;
  const taps = Array.from({ length: CROP_SIZE }, (_, i) => {
    const at = (i + 0.5) / scale - 0.5;
    return { first: Math.floor(at) - 1, weights: weights(at - Math.floor(at)), fade: fade(i) };
  });
  const clamp = (cell) => Math.min(FLOW_CELLS - 1, Math.max(0, cell));
  taps.forEach((down, row) =>
    taps.forEach((across, column) => {
      let [x, y] = [0, 0];
      for (let j = 0; j < 4; j++) {
        for (let i = 0; i < 4; i++) {
          const from = 2 * (clamp(down.first + j) * FLOW_CELLS + clamp(across.first + i));
          const weight = down.weights[j] * across.weights[i];
          x += weight * flow[from];
          y += weight * flow[from + 1];
        }
      }
      const edge = down.fade * across.fade;
      out.set([x * edge, y * edge], 2 * (row * CROP_SIZE + column));
    }),
  );
  return out;
}

function bilinear(field, side, u, v, out) {
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const [a, b] = [u - left, v - top];
  const from = 2 * (top * side + left);
  for (let axis = 0; axis < 2; axis++) {
    const above = field[from + axis] * (1 - a) + field[from + 2 + axis] * a;
    const below = field[from + 2 * side + axis] * (1 - a) + field[from + 2 * side + 2 + axis] * a;
    out[axis] = above * (1 - b) + below * b;
  }
}

function cubicPixel({ data, width, height }, x, y, out, place) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [weights(x - left), weights(y - top)];
  let [r, g, b] = [0, 0, 0];
  for (let j = 0; j < 4; j++) {
    const row = Math.min(height - 1, Math.max(0, top - 1 + j)) * width;
    for (let i = 0; i < 4; i++) {
      const from = 4 * (row + Math.min(width - 1, Math.max(0, left - 1 + i)));
      const weight = across[i] * down[j];
      r += weight * data[from];
      g += weight * data[from + 1];
      b += weight * data[from + 2];
    }
  }
  out[place] = r;
  out[place + 1] = g;
  out[place + 2] = b;
}

function weights(t) {
  const s = 1 - t;
  const w0 = ((A * (t + 1) - 5 * A) * (t + 1) + 8 * A) * (t + 1) - 4 * A;
  const w1 = ((A + 2) * t - (A + 3)) * t * t + 1;
  const w2 = ((A + 2) * s - (A + 3)) * s * s + 1;
  return [w0, w1, w2, 1 - w0 - w1 - w2];
}

function fade(i) {
  const t = Math.min(1, Math.min(i, CROP_SIZE - 1 - i) / EDGE);
  return t * t * (3 - 2 * t);
}
