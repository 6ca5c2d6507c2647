// The picture: the portrait at rest, and over it the portrait that speaks.

export class Stage {
  #picture;
  #poster;
  #video;

  constructor(picture) {
    this.#picture = picture;
    this.#poster = picture.querySelector("img");
    this.#video = picture.querySelector("video");
  }

  /** The portrait to show until a picture comes, and whenever there is none. */
  showPortrait(url) {
    this.#poster.src = url;
  }

  /** Play what the server sends; the portrait at rest stays in view until the first frame is there. */
  async play(stream) {
    this.#video.srcObject = stream;
    this.#video.requestVideoFrameCallback(() => {
      if (this.#video.srcObject === stream) this.#picture.classList.add("is-playing");
    });
    await this.#video.play().catch(() => null);
  }

  /** Where the portrait at rest is. */
  get portraitUrl() {
    return this.#poster.src;
  }

  rest() {
    this.#picture.classList.remove("is-playing");
    this.#video.srcObject = null;
  }

  /** Let the person hear what listeners hear. */
  setAudible(audible) {
    this.#video.muted = !audible;
  }
}
