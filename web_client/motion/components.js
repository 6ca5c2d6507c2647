// A basis component's bytes → its quantised numbers, plane after plane. docs/motion.md, "Numbers"

import { BoolDecoder, EVEN, MotionError } from "./bool_decoder.js";

const KIND_OF_PLANE = [0, 0, 1, 2, 2, 3];
const KINDS = 4;
const OCTAVES = 16;
const BEFORE = 3;
const SIZES = 14;
const COUNT_BITS = 14;
const LARGEST = 2047;
const MAX_BITS = 400_000;
const BITS_SET = [0, 1, 1, 2];

/** Reads the components of one atlas, in order: its probabilities learn from each for the next. */
export class ComponentDecoder {
  #orders;
  #zero = new Uint16Array(KINDS * OCTAVES * BEFORE).fill(2048);
  #more = new Uint16Array(KINDS * SIZES).fill(2048);

  /** `shapes`: [height, width] of each plane. */
  constructor(shapes) {
    this.#orders = shapes.map(([height, width]) => orderOf(height, width));
  }

  /** One Int32Array a plane, row by row. Throws a MotionError for what no encoder wrote. */
  decode(data) {
    const coder = new BoolDecoder(data, MAX_BITS);
    return this.#orders.map((order, plane) => this.#plane(coder, KIND_OF_PLANE[plane], order));
  }

  #plane(coder, kind, order) {
    const count = coder.readNumber(COUNT_BITS);
    if (count > order.length) throw new MotionError(`A component counts ${count} numbers for a plane of ${order.length}.`);
    const numbers = new Int32Array(order.length);
    let before = 0;
    for (let place = 0; place < count; place++) {
      const octave = 31 - Math.clz32(place + 1);
      const number = this.#number(coder, kind, (kind * OCTAVES + octave) * BEFORE + BITS_SET[before]);
      numbers[order[place]] = number;
      before = ((before << 1) | (number !== 0 ? 1 : 0)) & 3;
    }
    return numbers;
  }

  #number(coder, kind, context) {
    if (!adaptive(coder, this.#zero, context)) return 0;
    const negative = coder.read(EVEN);
    let size = 1;
    while (size < LARGEST && adaptive(coder, this.#more, kind * SIZES + Math.min(size, SIZES) - 1)) size += 1;
    return negative ? -size : size;
  }
}

/** Places of a plane's numbers from low to high frequency: by row / height + column / width, then by row. */
function orderOf(height, width) {
  const places = Array.from({ length: height * width }, (_, place) => place);
  const key = (place) => Math.floor(place / width) * width + (place % width) * height;
  return places.sort((a, b) => key(a) - key(b) || a - b);
}

/** A bit whose probability, in 4096ths, learns from it. */
function adaptive(coder, table, place) {
  const value = table[place];
  const bit = coder.read(Math.min(255, Math.max(1, value >> 4)));
  table[place] = bit ? value - (value >> 4) : value + ((4096 - value) >> 4);
  return bit;
}
