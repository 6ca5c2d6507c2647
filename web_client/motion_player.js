// What one place of the page shows of a connection: its video, or the portrait that the page draws itself from the motion
// stream, or the portrait at rest, as the server's ladder says.

import { MotionView } from "./motion/motion_view.js";
import { VoiceClock } from "./motion/voice_clock.js";

const AGAIN_MS = 500;
const HELD_MS = 60; // the voice, for the pictures to be there: three frames make a message, and its line has jitter

/** Event "say" (detail: words for the person, or ""). `picture.dataset.line` is video, learning, motion or voice. */
export class MotionPlayer extends EventTarget {
  #picture;
  #portraitUrl;
  #connection = null;
  #view = null;
  #stop = new AbortController();
  #drawnBefore = 0;

  /** `picture`: gets the canvas. `portraitUrl()`: the portrait as a call frames it. */
  constructor({ picture, portraitUrl }) {
    super();
    this.#picture = picture;
    this.#portraitUrl = portraitUrl;
    this.#picture.dataset.line = "video";
  }

  /** The connection of the moment; null where there is none. */
  follow(connection) {
    this.#close();
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#connection = connection;
    this.#enter("video", "");
    if (!connection) return;
    const { signal } = this.#stop;
    connection.addEventListener("message", ({ detail }) => this.#hear(detail), { signal });
    connection.addEventListener("atlas", ({ detail }) => this.#view?.takeAtlasPart(detail) === false && this.#again(), { signal });
    connection.addEventListener("motion", ({ detail }) => this.#view?.takeMessage(detail), { signal });
    if (connection.rung) this.#hear(connection.rung);
  }

  /** Pictures drawn from the motion stream, over all connections. */
  get framesDrawn() {
    return this.#drawnBefore + (this.#view?.drawn ?? 0);
  }

  /** How far the pictures that are drawn come after their sound, in ms; 0 where none are. */
  get lateMs() {
    return this.#view?.lateMs ?? 0;
  }

  /** A damaged atlas is asked for anew. */
  #again() {
    const connection = this.#connection;
    const { mode } = connection;
    this.#close();
    connection.askMode("voice");
    setTimeout(() => connection.mode === "voice" && connection.askMode(mode), AGAIN_MS);
  }

  #hear(message) {
    if (message.type === "rung" && message.rung !== "motion") this.#rest(message.rung === "voice" ? "voice" : "video");
    if (message.type === "motion") this.#hearMotion(message);
  }

  #hearMotion({ state, progress, reason, atlas, rtp_origin: rtpOrigin }) {
    if (state === "learning") this.#say(`Learning this face… ${Math.round(100 * progress)} %`);
    if (state === "off") this.#say(reason === "busy" ? "Low bandwidth: the server has no room for it now." : "");
    if (state === "off") this.#close();
    if (state !== "sending") return;
    this.#close();
    const connection = this.#connection;
    const clock = new VoiceClock(connection.voiceReceiver, rtpOrigin, () => connection.outputMs);
    this.#open({ portrait: this.#loadPortrait(), clock, identity: atlas });
  }

  #open(parts) {
    const view = new MotionView({ place: this.#picture, ...parts });
    this.#view = view;
    this.#connection.holdVoice(HELD_MS);
    view.addEventListener("ready", () => {
      if (view !== this.#view) return;
      this.#picture.classList.add("is-motion");
      this.#enter("motion", "");
    });
  }

  async #loadPortrait() {
    const image = await (await fetch(this.#portraitUrl())).blob();
    return createImageBitmap(image, { colorSpaceConversion: "none" });
  }

  /** No motion comes now; while a face is learnt, the words about it stand, and while its atlas comes, what is drawn of it: it
   * ends with `off`. */
  #rest(line) {
    if (this.#view && line === "voice") return;
    if (this.#view) this.#close();
    this.#picture.dataset.line = line;
  }

  #close() {
    this.#drawnBefore = this.framesDrawn;
    if (this.#view) this.#connection.holdVoice(0);
    this.#view?.close();
    this.#view = null;
    this.#picture.classList.remove("is-motion");
  }

  #enter(line, words) {
    this.#picture.dataset.line = line;
    this.#say(words);
  }

  #say(words) {
    this.dispatchEvent(new CustomEvent("say", { detail: words }));
  }
}
