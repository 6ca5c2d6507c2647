// Reads the boolean coder of VP8 (RFC 6386, section 7); bytes behind the end read as zero. docs/motion.md

/** An atlas or a message that is damaged, of another version, or out of bounds. */
export class MotionError extends Error {}

export const EVEN = 128;

export class BoolDecoder {
  #data;
  #next = 0;
  #left;
  #value;
  #range = 255;
  #bitCount = 0;

  /** `data`: Uint8Array. `maxBits`: how many may be read, for data that would go on for ever. */
  constructor(data, maxBits) {
    this.#data = data;
    this.#left = maxBits;
    this.#value = (this.#byte() << 8) | this.#byte();
  }

  /** `probability` of a 0, in 256ths. Throws a MotionError where more is read than anyone writes. */
  read(probability) {
    this.#left -= 1;
    if (this.#left < 0) throw new MotionError(`${this.#data.length} bytes hold more than any encoder writes.`);
    const split = 1 + (((this.#range - 1) * probability) >> 8);
    const bit = this.#value >= split << 8 ? 1 : 0;
    if (bit) {
      this.#range -= split;
      this.#value -= split << 8;
    } else {
      this.#range = split;
    }
    while (this.#range < 128) {
      this.#value <<= 1;
      this.#range <<= 1;
      this.#bitCount += 1;
      if (this.#bitCount === 8) {
        this.#bitCount = 0;
        this.#value |= this.#byte();
      }
    }
    return bit;
  }

  /** A number of so many even bits, the highest first. */
  readNumber(bits) {
    let value = 0;
    for (let i = 0; i < bits; i++) value = (value << 1) | this.read(EVEN);
    return value;
  }

  #byte() {
    const place = this.#next++;
    return place < this.#data.length ? this.#data[place] : 0;
  }
}
