// The switch "Low bandwidth": the motion stream instead of video, for as long as it is on, over every connection of a call.

import { MotionView } from "./motion/motion_view.js";
import { VoiceClock } from "./motion/voice_clock.js";

const VOICE_BPS = 10_000; // of the own microphone, on the same poor line

/** Event "say" (detail: words for the person, or ""). `picture.dataset.line` is video, learning or motion. */
export class LowBandwidth extends EventTarget {
  #button;
  #picture;
  #portraitUrl;
  #connection = null;
  #view = null;
  #stop = new AbortController();
  #drawnBefore = 0;
  isOn = false;

  /** `button`: the switch. `picture`: gets the canvas. `portraitUrl()`: the portrait as a call frames it. */
  constructor({ button, picture, portraitUrl }) {
    super();
    this.#button = button;
    this.#picture = picture;
    this.#portraitUrl = portraitUrl;
    this.#picture.dataset.line = "video";
    button.addEventListener("click", () => this.set(!this.isOn));
  }

  /** Switch it. */
  set(on) {
    this.isOn = on;
    this.#button.setAttribute("aria-pressed", String(on));
    this.#ask();
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
    connection.addEventListener("message", ({ detail }) => detail.type === "motion" && this.#hear(detail), { signal });
    connection.addEventListener("atlas", ({ detail }) => this.#view?.takeAtlasPart(detail) === false && this.#again(), { signal });
    connection.addEventListener("motion", ({ detail }) => this.#view?.takeMessage(detail), { signal });
    if (this.isOn) this.#ask();
  }

  /** Pictures drawn from the motion stream, over all connections. */
  get framesDrawn() {
    return this.#drawnBefore + (this.#view?.drawn ?? 0);
  }

  #ask() {
    this.#connection?.askMotion(this.isOn);
    this.#connection?.limitVoice(this.isOn ? VOICE_BPS : null);
  }

  /** A damaged atlas is asked for anew. */
  #again() {
    this.#close();
    this.#connection?.askMotion(false);
    setTimeout(() => this.isOn && this.#ask(), 500);
  }

  #hear({ state, progress, reason, atlas, rtp_origin: rtpOrigin }) {
    if (state === "learning") this.#enter("learning", `Learning this face… ${Math.round(100 * progress)} %`);
    if (state === "off") {
      this.#close();
      this.#enter("video", reason === "busy" ? "Low bandwidth: the server has no room for it now." : "");
      if (reason === "busy" || reason === "no_channel") this.isOn && this.set(false);
    }
    if (state !== "sending" || !this.isOn) return;
    this.#close();
    this.#open({ portrait: this.#loadPortrait(), clock: new VoiceClock(this.#connection.voiceReceiver, rtpOrigin), identity: atlas });
  }

  #open(parts) {
    const view = new MotionView({ place: this.#picture, ...parts });
    this.#view = view;
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

  #close() {
    this.#drawnBefore = this.framesDrawn;
    this.#view?.close();
    this.#view = null;
    this.#picture.classList.remove("is-motion");
    this.#picture.dataset.line = "video";
  }

  #enter(line, words) {
    this.#picture.dataset.line = line;
    this.dispatchEvent(new CustomEvent("say", { detail: words }));
  }
}
