// One of the others in a room: their picture, their name, and whether they speak or are muted.

export class Tile {
  #portrait;
  #video;
  #name;
  #state;
  #lost;

  constructor() {
    this.#video = Object.assign(document.createElement("video"), { playsInline: true, disablePictureInPicture: true });
    this.#portrait = Object.assign(document.createElement("img"), { alt: "", hidden: true });
    this.#name = Object.assign(document.createElement("span"), { className: "tile-name" });
    this.#state = Object.assign(document.createElement("span"), { className: "tile-state" });
    const caption = document.createElement("figcaption");
    caption.append(this.#name, this.#state);
    this.#lost = lostPanel();
    this.element = Object.assign(document.createElement("figure"), { className: "tile" });
    this.element.append(this.#portrait, this.#video, this.#lost, caption);
    this.describe({ name: "", muted: false });
  }

  /** What the room says of them. */
  describe({ name, muted }) {
    this.#name.textContent = name;
    this.#video.setAttribute("aria-label", `The portrait of ${name}`);
    this.element.classList.toggle("is-silent", muted);
    this.#state.textContent = muted ? "muted" : "";
  }

  /** Their portrait at rest, by its id: in view until the first frame is there, and whenever there is none. `slow`: over a poor
   * line, on which the better one would take ten seconds. */
  showPortrait(id, slow = false) {
    if (!id) return;
    this.#portrait.src = new URL(`api/portraits/${encodeURIComponent(id)}/preview${slow ? "?light" : ""}`, document.baseURI);
    this.#portrait.hidden = false;
  }

  /** Where their portrait at rest is. */
  get portraitUrl() {
    return this.#portrait.src;
  }

  /** Their sound and picture; the tile shows that it waits until the first frame is there. */
  async play(stream) {
    this.#video.srcObject = stream;
    this.#video.requestVideoFrameCallback(() => this.element.classList.add("is-playing"));
    await this.#video.play().catch(() => null);
  }

  wait() {
    this.element.classList.remove("is-playing");
    this.#video.srcObject = null;
  }

  /** Say that they cannot be reached; resolves when the person wants to try again. */
  askToTryAgain() {
    this.#lost.hidden = false;
    return new Promise((resolve) => {
      this.#lost.querySelector("button").onclick = () => {
        this.#lost.hidden = true;
        resolve();
      };
    });
  }

  setSpeaking(speaking) {
    this.element.classList.toggle("is-speaking", speaking);
  }
}

function lostPanel() {
  const words = Object.assign(document.createElement("p"), { textContent: "Their picture does not come through." });
  const again = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Try again" });
  const panel = Object.assign(document.createElement("div"), { className: "tile-lost", hidden: true });
  panel.setAttribute("role", "alert");
  panel.append(words, again);
  return panel;
}
