// Draws a portrait's layers without WebGL: the same steps, point by point, over the face alone. What does not change from frame
// to frame is reckoned once; what moves less than interpolation can tell is left as it is.

import { CROP_SIZE } from "./atlas.js";
import { STEPS, WEIGHTS } from "./cubic.js";
import { FINER, finer } from "./finer_picture.js";
import { fineFlow } from "./flow.js";

const STILL = 0.5 / FINER; // picture pixels: less is rounded to nothing
const MARGIN = 1 / 16; // of the picture's side: so far around the crop pixels may come from
const FRACTION = STEPS - 1; // STEPS is a power of two
const SHIFT = Math.log2(STEPS);

export class CanvasPainter {
  #context;
  #atlas;
  #side;
  #source; // { left, top, width, height, pixels }: what a moved pixel may come from, four times as fine
  #still; // the pixels over the crop
  #left;
  #top;
  #width;
  #height;
  #linear;
  #moved; // Points: those over the inside of the crop
  #painted; // Points: those over the paint's box

  /** `canvas`: of the portrait's size, with no context yet. `portrait`: ImageBitmap. `atlas`: its header is read. */
  constructor(canvas, portrait, atlas) {
    this.#context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.#atlas = atlas;
    this.#context.drawImage(portrait, 0, 0);
    this.#side = canvas.width;
    this.#frameCrop(atlas.header.toPicture.map((value) => value * this.#side));
    this.#still = this.#context.getImageData(this.#left, this.#top, this.#width, this.#height).data;
    this.#source = this.#aroundCrop();
  }

  /** One frame: { flow, paint } as atlas.js makes them. */
  draw({ flow, paint }) {
    const shown = new ImageData(new Uint8ClampedArray(this.#still), this.#width, this.#height);
    this.#move(fineFlow(flow), new Uint32Array(shown.data.buffer));
    this.#lay(paint, shown.data);
    this.#context.putImageData(shown, this.#left, this.#top);
  }

  close() {
    this.#source = this.#still = this.#moved = this.#painted = null;
  }

  /** Which part of the picture the crop covers, and where in the crop each of its points lies. */
  #frameCrop([xx, xy, x, yx, yy, y]) {
    this.#linear = [xx, xy, yx, yy];
    const corners = [[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE], [CROP_SIZE, CROP_SIZE]];
    const across = corners.map(([u, v]) => xx * u + xy * v + x);
    const down = corners.map(([u, v]) => yx * u + yy * v + y);
    const first = (values) => Math.max(0, Math.floor(Math.min(...values)));
    const last = (values) => Math.min(this.#side, Math.ceil(Math.max(...values)) + 1);
    [this.#left, this.#top] = [first(across), first(down)];
    [this.#width, this.#height] = [last(across) - this.#left, last(down) - this.#top];
    const { box, height, width } = this.#atlas.header;
    const determinant = xx * yy - xy * yx;
    const moved = [];
    const painted = [];
    for (let i = 0; i < this.#width * this.#height; i++) {
      const dx = this.#left + (i % this.#width) - x;
      const dy = this.#top + Math.floor(i / this.#width) - y;
      const u = (yy * dx - xy * dy) / determinant;
      const v = (xx * dy - yx * dx) / determinant;
      if (u > 0 && v > 0 && u < CROP_SIZE - 1 && v < CROP_SIZE - 1) moved.push([i, u, v]);
      const [px, py] = [u - box[0], v - box[1]];
      if (px >= -0.5 && py >= -0.5 && px <= width - 0.5 && py <= height - 0.5) painted.push([i, px, py]);
    }
    [this.#moved, this.#painted] = [new Points(moved), new Points(painted)];
  }

  #aroundCrop() {
    const margin = Math.ceil(MARGIN * this.#side);
    const [left, top] = [Math.max(0, this.#left - margin), Math.max(0, this.#top - margin)];
    const width = Math.min(this.#side, this.#left + this.#width + margin) - left;
    const height = Math.min(this.#side, this.#top + this.#height + margin) - top;
    const pixels = finer(this.#context.getImageData(left, top, width, height).data, width, height);
    return { left, top, width: FINER * width, height: FINER * height, pixels };
  }

  /** `out`: Uint32Array, a pixel each. */
  #move(fine, out) {
    const [xx, xy, yx, yy] = this.#linear;
    const { places, x: us, y: vs, count } = this.#moved;
    const moving = movingCells(fine, STILL / Math.max(Math.abs(xx) + Math.abs(xy), Math.abs(yx) + Math.abs(yy)));
    const width = this.#width;
    const source = this.#source;
    const [left, top] = [this.#left - source.left, this.#top - source.top];
    for (let n = 0; n < count; n++) {
      const column = us[n] | 0;
      const row = vs[n] | 0;
      const cell = row * CROP_SIZE + column;
      if (moving[cell] === 0) continue;
      const a = us[n] - column;
      const b = vs[n] - row;
      const above = 2 * cell;
      const below = above + 2 * CROP_SIZE;
      const mx = (fine[above] * (1 - a) + fine[above + 2] * a) * (1 - b) + (fine[below] * (1 - a) + fine[below + 2] * a) * b;
      const my = (fine[above + 1] * (1 - a) + fine[above + 3] * a) * (1 - b) + (fine[below + 1] * (1 - a) + fine[below + 3] * a) * b;
      const ox = xx * mx + xy * my;
      const oy = yx * mx + yy * my;
      if (ox < STILL && ox > -STILL && oy < STILL && oy > -STILL) continue;
      const place = places[n];
      const down = (place / width) | 0;
      const x = Math.round(FINER * (left + place - width * down + ox));
      const y = Math.round(FINER * (top + down + oy));
      out[place] = source.pixels[within(y, source.height) * source.width + within(x, source.width)];
    }
  }

  #lay(paint, out) {
    const { height, width } = this.#atlas.header;
    const { places, x: xs, y: ys, count } = this.#painted;
    for (let n = 0; n < count; n++) {
      takeCubic(paint, width, height, xs[n], ys[n]);
      const place = 4 * places[n];
      const under = 1 - taken[3];
      out[place] = out[place] * under + taken[0];
      out[place + 1] = out[place + 1] * under + taken[1];
      out[place + 2] = out[place + 2] * under + taken[2];
    }
  }
}

/** Points of the picture: each one's place there, and where it lies in something else. */
class Points {
  constructor(rows) {
    this.count = rows.length;
    this.places = Int32Array.from(rows, ([place]) => place);
    this.x = Float32Array.from(rows, ([, x]) => x);
    this.y = Float32Array.from(rows, ([, , y]) => y);
  }
}

/** Of each crop cell: whether a corner of it moves by at least `still`. */
function movingCells(fine, still) {
  const moving = new Uint8Array(CROP_SIZE * CROP_SIZE);
  for (let cell = 0; cell < moving.length; cell++) {
    if (Math.abs(fine[2 * cell]) < still && Math.abs(fine[2 * cell + 1]) < still) continue;
    moving[cell] = 1;
    if (cell > 0) moving[cell - 1] = 1;
    if (cell >= CROP_SIZE) moving[cell - CROP_SIZE] = 1;
    if (cell > CROP_SIZE) moving[cell - CROP_SIZE - 1] = 1;
  }
  return moving;
}

const taken = new Float64Array(4);

/** The four numbers of an image [height · width · 4] at a point, into `taken`; beyond its border lies the border. */
function takeCubic(image, width, height, x, y) {
  const atX = Math.round(x * STEPS);
  const atY = Math.round(y * STEPS);
  const left = (atX >> SHIFT) - 1;
  const top = (atY >> SHIFT) - 1;
  const across = 4 * (atX & FRACTION);
  const down = 4 * (atY & FRACTION);
  const c0 = 4 * within(left, width);
  const c1 = 4 * within(left + 1, width);
  const c2 = 4 * within(left + 2, width);
  const c3 = 4 * within(left + 3, width);
  const w0 = WEIGHTS[across];
  const w1 = WEIGHTS[across + 1];
  const w2 = WEIGHTS[across + 2];
  const w3 = WEIGHTS[across + 3];
  let r = 0;
  let g = 0;
  let b = 0;
  let mask = 0;
  for (let j = 0; j < 4; j++) {
    const row = 4 * width * within(top + j, height);
    const weight = WEIGHTS[down + j];
    const p0 = row + c0;
    const p1 = row + c1;
    const p2 = row + c2;
    const p3 = row + c3;
    r += weight * (w0 * image[p0] + w1 * image[p1] + w2 * image[p2] + w3 * image[p3]);
    g += weight * (w0 * image[p0 + 1] + w1 * image[p1 + 1] + w2 * image[p2 + 1] + w3 * image[p3 + 1]);
    b += weight * (w0 * image[p0 + 2] + w1 * image[p1 + 2] + w2 * image[p2 + 2] + w3 * image[p3 + 2]);
    mask += weight * (w0 * image[p0 + 3] + w1 * image[p1 + 3] + w2 * image[p2 + 3] + w3 * image[p3 + 3]);
  }
  taken[0] = r;
  taken[1] = g;
  taken[2] = b;
  taken[3] = mask;
}

function within(place, size) {
  return place < 0 ? 0 : place >= size ? size - 1 : place;
}
