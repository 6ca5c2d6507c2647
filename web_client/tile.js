// One of the others in a room: their picture, their name, and whether they speak or are muted.

export class Tile {
  #portrait;
  #video;
  #name;
  #state;

  constructor() {
    this.#video = Object.assign(document.createElement("video"), { playsInline: true, disablePictureInPicture: true });
    this.#portrait = Object.assign(document.createElement("img"), { alt: "", hidden: true });
    this.#name = Object.assign(document.createElement("span"), { className: "tile-name" });
    this.#state = Object.assign(document.createElement("span"), { className: "tile-state" });
    const caption = document.createElement("figcaption");
    caption.append(this.#name, this.#state);
    this.element = Object.assign(document.createElement("figure"), { className: "tile" });
    this.element.append(this.#portrait, this.#video, caption);
    this.describe({ name: "", muted: false });
  }

  /** What the room says of them. */
  describe({ name, muted }) {
    this.#name.textContent = name;
    this.#video.setAttribute("aria-label", `The portrait of ${name}`);
    this.element.classList.toggle("is-silent", muted);
    this.#state.textContent = muted ? "muted" : "";
  }

  /** Their portrait at rest, by its id: in view until the first frame is there, and whenever there is none. */
  showPortrait(id) {
    if (!id) return;
    this.#portrait.src = new URL(`api/portraits/${encodeURIComponent(id)}/preview`, document.baseURI);
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

  setSpeaking(speaking) {
    this.element.classList.toggle("is-speaking", speaking);
  }
}
