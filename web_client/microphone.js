// The microphone: which ones there are, which one is open, and whether it is muted.

import { fromMicrophone, insecurePage } from "./failures.js";

const REMEMBERED = "facewire.microphone";
const PROCESSING = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** Events: "devices" (the list changed), "open" (detail: the stream), "closed", "lost" (the device went away). */
export class Microphone extends EventTarget {
  #muted = false;
  stream = null;
  deviceId = localStorage.getItem(REMEMBERED) ?? "";

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#emit("devices"));
  }

  /** The audio track in use, or null. */
  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  get isOpen() {
    return this.track?.readyState === "live";
  }

  /** [{ deviceId, label }]: browsers give no labels before the first permission. */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const inputs = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
    return inputs.map(({ deviceId, label }, index) => ({ deviceId, label: label || `Microphone ${index + 1}` }));
  }

  /** Open the chosen microphone; the browser asks the person. Throws a Failure. */
  async open() {
    if (this.isOpen) return this.track;
    if (!navigator.mediaDevices?.getUserMedia) throw insecurePage();
    try {
      await this.#replaceStream(await this.#request());
    } catch (error) {
      throw fromMicrophone(error);
    }
    return this.track;
  }

  /** Use another device from now on; returns its track if a microphone was open, else null. */
  async choose(deviceId) {
    this.deviceId = deviceId;
    localStorage.setItem(REMEMBERED, deviceId);
    if (!this.stream) return null;
    this.#release();
    return this.open();
  }

  setMuted(muted) {
    this.#muted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  close() {
    if (!this.stream) return;
    this.#release();
    this.#emit("closed");
  }

  async #request() {
    const chosen = this.deviceId ? { deviceId: { exact: this.deviceId } } : {};
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...PROCESSING, ...chosen } });
    } catch (error) {
      if (error.name !== "OverconstrainedError" || !this.deviceId) throw error;
      this.deviceId = "";
      return navigator.mediaDevices.getUserMedia({ audio: PROCESSING });
    }
  }

  async #replaceStream(stream) {
    this.stream = stream;
    const { track } = this;
    track.enabled = !this.#muted;
    track.contentHint = "speech";
    track.addEventListener("ended", () => this.track === track && this.#emit("lost"));
    this.#emit("open", stream);
    this.#emit("devices");
  }

  #release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
