// The atlas: what is needed of one portrait to draw it from coefficients, read as its bytes come. docs/motion.md, "Atlas"

import { MotionError } from "./bool_decoder.js";
import { ComponentDecoder } from "./components.js";

const MAGIC = 0x414d5746; // "FWMA"
const VERSION = 1;
const HEADER_BYTES = 74;
const COMPONENT_BYTES = 6;
const MAX_BYTES = 64 * 1024;
const MAX_COMPONENTS = 32;
const PLANES = 6;
export const CROP_SIZE = 112;
export const FLOW_CELLS = 28;
const LARGEST_FLOAT = 1e6;

/** State: the bytes so far, and the components that they hold. */
export class AtlasReader {
  #data = new Uint8Array(0);
  #read = 0;
  #decoder = null;
  #steps = [];
  header = null;
  coders = [];
  components = [];

  /** More bytes; returns how many components there are now. Throws a MotionError for what is no atlas of this version. */
  push(bytes) {
    const joined = new Uint8Array(this.#data.length + bytes.length);
    joined.set(this.#data);
    joined.set(bytes, this.#data.length);
    this.#data = joined;
    if (!this.header && joined.length >= HEADER_BYTES) this.#readHeader();
    if (joined.length > (this.header?.bytes ?? MAX_BYTES)) throw new MotionError("More came than the atlas announced.");
    if (this.header && !this.coders.length) this.#readCoders();
    while (this.coders.length && this.#readComponent());
    return this.components.length;
  }

  get isComplete() {
    return this.header !== null && this.components.length === this.header.count;
  }

  #view() {
    return new DataView(this.#data.buffer);
  }

  #readHeader() {
    const view = this.#view();
    const bytes = this.#data;
    if (view.getUint32(0, true) !== MAGIC) throw new MotionError("This is no atlas of the motion stream.");
    if (bytes[4] !== VERSION) throw new MotionError(`An atlas of version ${bytes[4]} came, this page reads version ${VERSION}.`);
    const [identity, count, planes] = bytes.subarray(5, 8);
    const box = [...bytes.subarray(8, 12)];
    const [x0, y0, x1, y1] = box;
    const fits = count >= 1 && count <= MAX_COMPONENTS && planes === PLANES && bytes[12] === CROP_SIZE && bytes[13] === FLOW_CELLS;
    if (!fits || x0 >= x1 || y0 >= y1 || x1 > CROP_SIZE || y1 > CROP_SIZE) {
      throw new MotionError(`An atlas of ${count} components over ${box} came.`);
    }
    const size = view.getUint32(70, true);
    if (size <= HEADER_BYTES || size > MAX_BYTES) throw new MotionError(`An atlas of ${size} bytes is announced.`);
    const floats = Array.from({ length: 13 }, (_, i) => finite(view.getFloat32(18 + 4 * i, true)));
    const weights = floats.slice(6, 12);
    const step = floats[12];
    if (Math.min(step, ...weights) <= 0) throw new MotionError("An atlas came whose weights or step are not above 0.");
    const height = y1 - y0;
    const width = x1 - x0;
    const shapes = [0, 1, 2, 3, 4, 5].map((plane) => (plane < 2 ? [FLOW_CELLS, FLOW_CELLS] : [height, width]));
    this.header = { identity, count, box, height, width, reference: [...bytes.subarray(14, 17)], toPicture: floats.slice(0, 6), bytes: size };
    this.#steps = weights.map((weight) => step / weight);
    this.#decoder = new ComponentDecoder(shapes);
    this.#read = HEADER_BYTES;
  }

  /** How likely each coefficient is 0, and how likely one that is at least n is no larger, in 256ths. */
  #readCoders() {
    const end = this.#read + 2 * this.header.count;
    if (this.#data.length < end) return;
    const bytes = this.#data.subarray(this.#read, end);
    if (bytes.includes(0)) throw new MotionError("An atlas came with a probability of 0.");
    this.coders = Array.from({ length: this.header.count }, (_, i) => ({ zero: bytes[2 * i], last: bytes[2 * i + 1] }));
    this.#read = end;
  }

  #readComponent() {
    if (this.isComplete) {
      if (this.#read < this.header.bytes) throw new MotionError("An atlas ends before its announced length.");
      return false;
    }
    const rest = this.#data.length - this.#read;
    if (rest < COMPONENT_BYTES) return false;
    const view = this.#view();
    const size = view.getUint16(this.#read, true);
    if (rest < COMPONENT_BYTES + size) return false;
    const gain = finite(view.getFloat32(this.#read + 2, true));
    const start = this.#read + COMPONENT_BYTES;
    const planes = this.#decoder.decode(this.#data.subarray(start, start + size));
    this.components.push(this.#layers(planes, gain));
    this.#read = start + size;
    return true;
  }

  /** A component as a step of its coefficient draws it: flow [28 · 28 · 2], paint [h · w · 4] as R, G, B times mask, mask. */
  #layers(planes, gain) {
    const { height, width, reference } = this.header;
    const scaled = (plane) => Float64Array.from(planes[plane], (n) => n * gain * this.#steps[plane]);
    const [flowX, flowY] = [0, 1].map((plane) => inverseDct(scaled(plane), FLOW_CELLS, FLOW_CELLS));
    const [luma, blue, red, mask] = [2, 3, 4, 5].map((plane) => inverseDct(scaled(plane), height, width));
    const flow = new Float32Array(2 * FLOW_CELLS * FLOW_CELLS);
    for (let i = 0; i < flowX.length; i++) flow.set([flowX[i], flowY[i]], 2 * i);
    const paint = new Float32Array(4 * height * width);
    const [b, g, r] = reference;
    for (let i = 0; i < mask.length; i++) {
      const colour = [luma[i] + 1.402 * red[i], luma[i] - 0.344136 * blue[i] - 0.714136 * red[i], luma[i] + 1.772 * blue[i]];
      paint.set([colour[0] + r * mask[i], colour[1] + g * mask[i], colour[2] + b * mask[i], mask[i]], 4 * i);
    }
    return { flow, paint };
  }
}

/** One frame's layers: the sum of the components, each as often as its coefficient says. */
export function layersOf(atlas, coefficients) {
  const { height, width } = atlas.header;
  const flow = new Float32Array(2 * FLOW_CELLS * FLOW_CELLS);
  const paint = new Float32Array(4 * height * width);
  atlas.components.forEach((component, place) => {
    const times = coefficients[place] ?? 0;
    if (times === 0) return;
    for (let i = 0; i < flow.length; i++) flow[i] += times * component.flow[i];
    for (let i = 0; i < paint.length; i++) paint[i] += times * component.paint[i];
  });
  return { flow, paint };
}

/** Orthonormal two-dimensional cosine transform, type III. */
function inverseDct(values, height, width) {
  const down = cosines(height);
  const across = cosines(width);
  const half = new Float64Array(height * width); // rows transformed
  for (let row = 0; row < height; row++) {
    for (let k = 0; k < width; k++) {
      const value = values[row * width + k];
      if (value === 0) continue;
      for (let x = 0; x < width; x++) half[row * width + x] += value * across[k * width + x];
    }
  }
  const out = new Float32Array(height * width);
  for (let k = 0; k < height; k++) {
    for (let y = 0; y < height; y++) {
      const weight = down[k * height + y];
      for (let x = 0; x < width; x++) out[y * width + x] += weight * half[k * width + x];
    }
  }
  return out;
}

function cosines(n) {
  const table = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const scale = Math.sqrt((k === 0 ? 1 : 2) / n);
    for (let x = 0; x < n; x++) table[k * n + x] = scale * Math.cos((Math.PI * (2 * x + 1) * k) / (2 * n));
  }
  return table;
}

function finite(value) {
  if (!Number.isFinite(value) || Math.abs(value) >= LARGEST_FLOAT) throw new MotionError(`An atlas came with the number ${value}.`);
  return value;
}
