// Whether the server keeps up with drawing, from the figures that it sends every second.

const HISTORY = 4;
const DROPPED_SHARE = 0.25;

export class Overload {
  #history = [];

  /** Take the server's stats message; true while a quarter or more of the last three seconds' pictures came too late. */
  judge({ frames, dropped }) {
    this.#history = [...this.#history, { frames, dropped }].slice(-HISTORY);
    const first = this.#history[0];
    const lost = dropped - first.dropped;
    const drawn = frames - first.frames;
    return this.#history.length === HISTORY && lost > 0 && lost >= DROPPED_SHARE * (lost + drawn);
  }

  /** A new call begins. */
  forget() {
    this.#history = [];
  }
}
