// One's own portrait in a room: the others are worth more on a poor line, so it can pause. It does so by itself where the line
// carries no video, and comes back where all others are seen as video again for a while; whoever presses the button decides.

const BACK_AFTER = 15; // of the server's messages, one a second
const AGAIN_AFTER = 20; // once it has come back: the ladder needs some ten seconds to find what the line carries now

/** Event "change": `paused` is another. */
export class OwnPreview extends EventTarget {
  #button;
  #company = 0;
  #decided = false;
  #calm = 0;
  #poor = false;
  #poorFor = 0;
  #returned = false;
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
    this.#spare();
  }

  /** Show it, because the person wants to hear it. */
  show() {
    this.#decided = true;
    this.#set(false);
  }

  /** The call is over: the next one begins anew. */
  forget() {
    this.#decided = this.#poor = this.#returned = false;
    this.setCompany(0);
  }

  /** A message of the server about one's own call. `asked`: the mode that the person chose; `lines`: what the others are seen as. */
  hear(message, { asked, lines }) {
    if (message.type === "rung" && message.mode === "auto") this.#judge(message.rung);
    if (message.type === "motion" && message.state !== "off") this.#poor = asked === "auto";
    if (message.type === "stats") this.#poorFor = this.#poor ? this.#poorFor + 1 : 0;
    this.#spare();
    if (message.type !== "stats" || !this.paused || this.#decided) return;
    this.#calm = lines.every((line) => line === "video") ? this.#calm + 1 : 0;
    if (this.#calm < BACK_AFTER) return;
    this.#poor = false;
    this.#returned = true;
    this.#set(false);
  }

  #judge(rung) {
    this.#poor = rung === "motion" || (this.#poor && rung === "voice");
    if (rung !== "motion" && rung !== "voice") this.#returned = false;
  }

  #spare() {
    const long = !this.#returned || this.#poorFor >= AGAIN_AFTER;
    if (this.#poor && long && this.#company && !this.#decided && !this.paused) this.#set(true);
  }

  #set(paused) {
    this.#calm = this.#poorFor = 0;
    this.#button.textContent = paused ? "Show my picture" : "Pause my picture";
    if (paused === this.paused) return;
    this.paused = paused;
    this.dispatchEvent(new Event("change"));
  }
}
