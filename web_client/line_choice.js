// The choice "Picture": what is asked of the server's ladder, and which rung is on.

const WORDS = {
  full: (size) => `Now: video, ${size} pixels`,
  half: (size) => `Now: video, ${size / 2} pixels`,
  slow: () => "Now: video, fewer pictures",
  motion: () => "Now: drawn by your browser",
  voice: () => "Now: voice only",
};

/** Event "change": the person chose another mode. */
export class LineChoice extends EventTarget {
  #select;
  #rung;
  #size = 512;

  /** `select`: auto, video, motion, voice. `rung`: says which one is on. */
  constructor({ select, rung }) {
    super();
    this.#select = select;
    this.#rung = rung;
    select.addEventListener("change", () => this.dispatchEvent(new Event("change")));
  }

  get mode() {
    return this.#select.value;
  }

  /** A message of the server about one's own call. */
  hear(message) {
    if (message.type === "hello") this.#size = message.size;
    if (message.type === "rung") {
      this.#rung.textContent = message.mode === "pause" ? "Your own picture is paused" : (WORDS[message.rung]?.(this.#size) ?? "");
      this.#rung.dataset.rung = message.rung;
    }
    if (message.type === "motion" && ["busy", "no_channel"].includes(message.reason) && this.mode === "motion") this.#select.value = "auto";
  }
}
