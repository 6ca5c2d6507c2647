// One of the others in a room: their picture, their name, and whether they speak or are muted.

export class Tile {
  #video;
  #name;
  #state;

  constructor() {
    this.#video = Object.assign(document.createElement("video"), { playsInline: true, disablePictureInPicture: true });
    this.#name = Object.assign(document.createElement("span"), { className: "tile-name" });
    this.#state = Object.assign(document.createElement("span"), { className: "tile-state" });
    const caption = document.createElement("figcaption");
    caption.append(this.#name, this.#state);
    this.element = Object.assign(document.createElement("figure"), { className: "tile" });
    this.element.append(this.#video, caption);
    this.describe({ name: "", muted: false });
  }

  /** What the room says of them. */
  describe({ name, muted }) {
    this.#name.textContent = name;
    this.#video.setAttribute("aria-label", `The portrait of ${name}`);
    this.element.classList.toggle("is-silent", muted);
    this.#state.textContent = muted ? "muted" : "";
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
