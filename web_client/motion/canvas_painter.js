// Draws a portrait's layers without WebGL: the same steps, point by point, over the face alone.

import { CROP_SIZE } from "./atlas.js";
import { STEPS, WEIGHTS } from "./cubic.js";
import { fineFlow } from "./flow.js";

const STILL = 1e-3; // crop pixels; what moves less is left as it is

export class CanvasPainter {
  #context;
  #atlas;
  #portrait; // all of the portrait's pixels
  #still; // those over the crop
  #left;
  #top;
  #width;
  #height;
  #places; // of each picture point over the crop, in crop pixels: x, y
  #linear;

  /** `canvas`: of the portrait's size, with no context yet. `portrait`: ImageBitmap. `atlas`: its header is read. */
  constructor(canvas, portrait, atlas) {
    this.#context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.#atlas = atlas;
    this.#context.drawImage(portrait, 0, 0);
    const side = canvas.width;
    this.#portrait = this.#context.getImageData(0, 0, side, side);
    const [xx, xy, x, yx, yy, y] = atlas.header.toPicture.map((value) => value * side);
    this.#linear = [xx, xy, yx, yy];
    const corners = [[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE], [CROP_SIZE, CROP_SIZE]];
    const across = corners.map(([u, v]) => xx * u + xy * v + x);
    const down = corners.map(([u, v]) => yx * u + yy * v + y);
    const first = (values) => Math.max(0, Math.floor(Math.min(...values)));
    const last = (values) => Math.min(side, Math.ceil(Math.max(...values)) + 1);
    [this.#left, this.#top] = [first(across), first(down)];
    [this.#width, this.#height] = [last(across) - this.#left, last(down) - this.#top];
    this.#still = this.#context.getImageData(this.#left, this.#top, this.#width, this.#height).data;
    this.#places = new Float32Array(2 * this.#width * this.#height);
    const determinant = xx * yy - xy * yx;
    for (let i = 0; i < this.#width * this.#height; i++) {
      const dx = this.#left + (i % this.#width) - x;
      const dy = this.#top + Math.floor(i / this.#width) - y;
      this.#places[2 * i] = (yy * dx - xy * dy) / determinant;
      this.#places[2 * i + 1] = (xx * dy - yx * dx) / determinant;
    }
  }

  /** One frame: { flow, paint } as atlas.js makes them. */
  draw({ flow, paint }) {
    const shown = new ImageData(new Uint8ClampedArray(this.#still), this.#width, this.#height);
    this.#move(fineFlow(flow), shown.data);
    this.#lay(paint, shown.data);
    this.#context.putImageData(shown, this.#left, this.#top);
  }

  close() {
    this.#portrait = this.#still = null;
  }

  #move(fine, out) {
    const [xx, xy, yx, yy] = this.#linear;
    const [places, end, last] = [this.#places, this.#width * this.#height, CROP_SIZE - 1];
    for (let i = 0; i < end; i++) {
      const u = places[2 * i];
      const v = places[2 * i + 1];
      if (!(u > 0 && v > 0 && u < last && v < last)) continue;
      const column = Math.floor(u);
      const row = Math.floor(v);
      const a = u - column;
      const b = v - row;
      const above = 2 * (row * CROP_SIZE + column);
      const below = above + 2 * CROP_SIZE;
      const mx = (fine[above] * (1 - a) + fine[above + 2] * a) * (1 - b) + (fine[below] * (1 - a) + fine[below + 2] * a) * b;
      const my = (fine[above + 1] * (1 - a) + fine[above + 3] * a) * (1 - b) + (fine[below + 1] * (1 - a) + fine[below + 3] * a) * b;
      if (mx < STILL && mx > -STILL && my < STILL && my > -STILL) continue;
      const x = this.#left + (i % this.#width) + xx * mx + xy * my;
      const y = this.#top + Math.floor(i / this.#width) + yx * mx + yy * my;
      fetchCubic(this.#portrait.data, this.#portrait.width, x, y, out, 4 * i);
    }
  }

  #lay(paint, out) {
    const { box, height, width } = this.#atlas.header;
    const [places, end] = [this.#places, this.#width * this.#height];
    for (let i = 0; i < end; i++) {
      const x = places[2 * i] - box[0];
      const y = places[2 * i + 1] - box[1];
      if (x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5) layCubic(paint, width, height, x, y, out, 4 * i);
    }
  }
}

/** A square picture's colour at a point, into `out`. */
function fetchCubic(data, side, x, y, out, place) {
  const atX = Math.round(x * STEPS);
  const atY = Math.round(y * STEPS);
  const left = Math.floor(atX / STEPS) - 1;
  const top = Math.floor(atY / STEPS) - 1;
  const across = 4 * (atX - STEPS * (left + 1));
  const down = 4 * (atY - STEPS * (top + 1));
  let r = 0;
  let g = 0;
  let b = 0;
  for (let j = 0; j < 4; j++) {
    const row = side * Math.min(side - 1, Math.max(0, top + j));
    for (let i = 0; i < 4; i++) {
      const from = 4 * (row + Math.min(side - 1, Math.max(0, left + i)));
      const weight = WEIGHTS[across + i] * WEIGHTS[down + j];
      r += weight * data[from];
      g += weight * data[from + 1];
      b += weight * data[from + 2];
    }
  }
  out[place] = r;
  out[place + 1] = g;
  out[place + 2] = b;
}

/** The paint at a point of its box, laid over `out`. */
function layCubic(paint, width, height, x, y, out, place) {
  const atX = Math.round(x * STEPS);
  const atY = Math.round(y * STEPS);
  const left = Math.floor(atX / STEPS) - 1;
  const top = Math.floor(atY / STEPS) - 1;
  const across = 4 * (atX - STEPS * (left + 1));
  const down = 4 * (atY - STEPS * (top + 1));
  let r = 0;
  let g = 0;
  let b = 0;
  let mask = 0;
  for (let j = 0; j < 4; j++) {
    const row = width * Math.min(height - 1, Math.max(0, top + j));
    for (let i = 0; i < 4; i++) {
      const from = 4 * (row + Math.min(width - 1, Math.max(0, left + i)));
      const weight = WEIGHTS[across + i] * WEIGHTS[down + j];
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
