// One's own portrait in a room: the others are worth more on a poor line, so it can pause. It does so by itself where the line
// carries no video, and comes back where all others are seen as video again for a while; whoever presses the button decides.

const BACK_AFTER = 15; // of the server's messages, one a second

/** Event "change": `paused` is another. */
export class OwnPreview extends EventTarget {
  #button;
  #company = 0;
  #decided = false;
  #calm = 0;
  paused = false;

  /** `button`: pauses and shows. */
  constructor(button) {
    super();
    this.#button = button;
    button.addEventListener("click", () => {
      this.#decided = true;
      this.#set(!this.paused);
    });
  }

  /** So many others are there. */
  setCompany(size) {
    this.#company = size;
    this.#button.hidden = size === 0;
    if (size === 0) this.#set(false);
  }

  /** Show it, because the person wants to hear it. */
  show() {
    this.#decided = true;
    this.#set(false);
  }

  /** The call is over: the next one begins anew. */
  forget() {
    this.#decided = false;
    this.setCompany(0);
  }

  /** A message of the server about one's own call. `asked`: the mode that the person chose; `lines`: what the others are seen as. */
  hear(message, { asked, lines }) {
    if (this.#decided || !this.#company) return;
    if (message.type === "motion" && message.state !== "off" && asked === "auto") this.#set(true);
    if (message.type !== "stats" || !this.paused) return;
    this.#calm = lines.every((line) => line === "video") ? this.#calm + 1 : 0;
    if (this.#calm >= BACK_AFTER) this.#set(false);
  }

  #set(paused) {
    this.#calm = 0;
    this.#button.textContent = paused ? "Show my picture" : "Pause my picture";
    if (paused === this.paused) return;
    this.paused = paused;
    this.dispatchEvent(new Event("change"));
  }
}
