// The frames that came, by media time: which one is to be seen now.

const FRAME_MS = 40;
const HOLD_MS = 900; // without news the last frame stands so long; then the portrait rests
const MAX_FRAMES = 128;

/** State: frames by number. Messages may come in any order, doubled, or never. */
export class Timeline {
  #frames = new Map();
  #now = -Infinity; // the frame that was due last
  came = 0; // frames that came before they were due, or while they were

  /** Take a decoded message's frames. */
  add({ firstFrame, frames }) {
    frames.forEach(({ coefficients }, i) => {
      const number = firstFrame + i;
      if (number >= this.#now && !this.#frames.has(number)) this.came += 1;
      this.#frames.set(number, coefficients);
    });
    if (this.#frames.size <= MAX_FRAMES) return;
    const kept = [...this.#frames.keys()].sort((a, b) => b - a).slice(0, MAX_FRAMES);
    this.#frames = new Map(kept.map((number) => [number, this.#frames.get(number)]));
  }

  /** { frame, coefficients }: the newest that is not ahead of `mediaMs`; coefficients is null where the portrait rests. A clock that
   * falls back a little shows no frame again: what was seen stands until it has caught up. */
  at(mediaMs) {
    const due = Math.floor(mediaMs / FRAME_MS);
    const now = due < this.#now && (this.#now - due) * FRAME_MS <= HOLD_MS ? this.#now : due;
    this.#now = now;
    let newest = -Infinity;
    for (const number of this.#frames.keys()) if (number <= now && number > newest) newest = number;
    for (const number of this.#frames.keys()) if (number < newest) this.#frames.delete(number);
    const stands = (now - newest) * FRAME_MS <= HOLD_MS;
    return { frame: stands ? newest : null, coefficients: stands ? this.#frames.get(newest) : null };
  }
}
