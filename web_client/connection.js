// One WebRTC connection: the microphone out, or nothing; a portrait, its voice and a data channel back.

import { connected, gathered } from "./connection_states.js";
import { LineReport } from "./line_report.js";
import { askingForThinVoice } from "./own_voice.js";
import { CHANNEL_LABEL, MOTION_LABEL, PADDING, PING_INTERVAL_MS, SILENCE_LIMIT_MS, THIN_PING_APART_MS, mode, parseMessage, ping } from "./protocol.js";
import { SoundOutput } from "./sound_output.js";
import { unlessAborted } from "./unless_aborted.js";

const DISCONNECTED_LIMIT_MS = 3000;
const FAREWELL_LIMIT_MS = 2000;
const SLOW_SETUP_MS = 500; // what takes longer may go over a poor line: the own voice begins thin
const JAMMED_MS = 2000; // a server that says nothing for so long, though it speaks every second, is not reached
const THIN = new Set(["slow", "motion", "voice"]); // the rungs with which the own voice is made thin too, and pings are rare

/**
 * Lives from `open` to `close` or its loss, whichever is first, and never comes back.
 * Events: "message" (detail: a message of the server), "lost" (detail: { reason }: a goodbye's reason, or null),
 * "atlas", "motion" (detail: Uint8Array): parts of an atlas, messages of the motion stream (docs/motion.md).
 */
export class Connection extends EventTarget {
  #peer;
  #channel = null;
  #motion = null;
  #line = new LineReport();
  #output = new SoundOutput();
  #answer = "";
  #shaping = Promise.resolve();
  #thin = false;
  #whip;
  #resource = null;
  #timers = new Set();
  #heardMs = 0;
  #pingedMs = -Infinity;
  #over = false;
  #unhook = () => null;
  mode = "auto"; // what is asked of the server's ladder
  rung = null; // its message that came last
  slow = false; // it took long to connect
  outputMs = 0; // from the voice's track to its sound

  constructor(whip, { iceServers = [] } = {}) {
    super();
    this.#whip = whip;
    this.#peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.stream = new MediaStream();
  }

  /**
   * Resolves when sound and picture flow. `track`: the microphone's, or null for one who only watches; `query`: what
   * is asked of the server. Throws a Failure, or an AbortError when `signal` fires.
   */
  async open({ track, query, signal }) {
    const stop = () => this.close();
    signal.addEventListener("abort", stop, { once: true });
    this.#unhook = () => signal.removeEventListener("abort", stop);
    try {
      await unlessAborted(this.#setUp({ track, query, signal }), signal); // a closed connection's promises never settle
      this.#watch();
    } catch (error) {
      this.close();
      throw signal.aborted ? new DOMException("stopped", "AbortError") : error;
    }
  }

  /** Send another microphone's sound from now on. */
  async replaceTrack(track) {
    const sender = this.#peer.getSenders().find((candidate) => candidate.track?.kind === "audio");
    await sender?.replaceTrack(track);
  }

  /** Say something to the server; lost where the channel is not open. */
  send(text) {
    if (this.#channel?.readyState === "open") this.#channel.send(text);
  }

  /** Ask the server's ladder for something: auto, video, motion, voice; pause: nothing for now. */
  askMode(wanted) {
    this.mode = wanted;
    if (this.#motion.readyState === "open") this.send(mode(wanted));
  }

  /** What receives the voice. */
  get voiceReceiver() {
    return this.#peer.getReceivers().find(({ track }) => track.kind === "audio");
  }

  /** Hold the voice back by so many ms at least: what is drawn to it comes in larger parts than it does. 0: as little as can be. */
  holdVoice(ms) {
    hold(this.voiceReceiver, ms);
  }

  /** How loud the received sound is now, 0 to 1. */
  async level() {
    const report = [...(await this.#peer.getStats()).values()];
    return report.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio")?.audioLevel ?? 0;
  }

  /** The browser's statistics report. */
  getStats() {
    return this.#peer.getStats();
  }

  /** End it from this side. The server is told first, so that it frees the place at once. */
  close() {
    if (!this.#finish()) return;
    const told = this.#resource ? this.#whip.end(this.#resource) : Promise.resolve();
    Promise.race([told, new Promise((resolve) => setTimeout(resolve, FAREWELL_LIMIT_MS))]).then(() => this.#peer.close());
  }

  async #setUp({ track, query, signal }) {
    this.#addMedia(track);
    await this.#peer.setLocalDescription();
    await gathered(this.#peer);
    const sdp = this.#peer.localDescription.sdp;
    const { answer, resource } = await this.#whip.offer({ sdp, query, signal });
    if (this.#over) return this.#whip.end(resource); // stopped as the answer came
    this.#resource = resource;
    this.#answer = answer;
    await this.#peer.setRemoteDescription({ type: "answer", sdp: answer });
    const slow = setTimeout(() => this.#setUpSlowly(), SLOW_SETUP_MS);
    this.#timers.add(slow);
    await connected(this.#peer);
    clearTimeout(slow);
    return undefined;
  }

  #addMedia(track) {
    if (track) this.#peer.addTransceiver(track, { direction: "sendrecv" });
    else this.#peer.addTransceiver("audio", { direction: "recvonly" });
    this.#peer.addTransceiver("video", { direction: "recvonly" });
    this.#peer.addEventListener("track", ({ track: received, receiver }) => {
      hold(receiver, 0);
      this.stream.addTrack(received);
    });
    this.#channel = this.#peer.createDataChannel(CHANNEL_LABEL);
    this.#channel.binaryType = "arraybuffer";
    this.#channel.addEventListener("message", ({ data }) => this.#receive(data));
    this.#motion = this.#openMotion();
  }

  #openMotion() {
    const channel = this.#peer.createDataChannel(MOTION_LABEL, { ordered: false, maxRetransmits: 0 });
    channel.binaryType = "arraybuffer";
    channel.addEventListener("open", () => this.mode !== "auto" && this.send(mode(this.mode)));
    channel.addEventListener("message", ({ data }) => this.#receiveMotion(data));
    return channel;
  }

  #receiveMotion(data) {
    if (!(data instanceof ArrayBuffer) || data.byteLength < 2) return;
    const [kind, half] = new Uint8Array(data);
    if (kind === PADDING && this.#line.pair(half)) this.#ping(); // the server may wait for it before it sends any picture
    if (kind === PADDING) return;
    this.#emitBytes("motion", data);
  }

  #emitBytes(type, data) {
    if (data instanceof ArrayBuffer) this.dispatchEvent(new CustomEvent(type, { detail: new Uint8Array(data) }));
  }

  #receive(data) {
    this.#heardMs = performance.now();
    this.#emitBytes("atlas", data);
    const message = parseMessage(data);
    if (message?.type === "stats" && this.rung) this.#followVoice(this.rung);
    if (message?.type === "rung") this.#follow(message);
    if (message) this.dispatchEvent(new CustomEvent("message", { detail: message }));
    if (message?.type === "goodbye") this.#lose(message.reason ?? null);
  }

  #watch() {
    this.#heardMs = performance.now();
    this.#every(PING_INTERVAL_MS, () => {
      const apartMs = THIN.has(this.rung?.rung) ? THIN_PING_APART_MS : 0; // a busy page's timers are late: none is left out then
      if (performance.now() - this.#pingedMs >= apartMs) this.#ping();
      if (performance.now() - this.#heardMs > JAMMED_MS) this.#thinVoice(true);
      if (performance.now() - this.#heardMs > SILENCE_LIMIT_MS) this.#lose(null);
    });
    this.#channel.addEventListener("close", () => this.#lose(null));
    this.#peer.addEventListener("connectionstatechange", () => {
      const state = this.#peer.connectionState;
      if (state === "failed" || state === "closed") this.#lose(null);
      if (state === "disconnected") this.#loseUnlessBack();
    });
  }

  async #ping() {
    this.#pingedMs = performance.now();
    const report = await this.#peer.getStats();
    this.send(ping(performance.now(), this.#line.take(report)));
    this.outputMs = this.#output.take(report);
  }

  /** The own voice goes the way of what comes: it is the same line. */
  #follow(message) {
    this.rung = message;
    this.#followVoice(message);
  }

  /** While nothing is asked for, nothing is known of the line: the own voice stays as it was. */
  #followVoice({ rung, mode: asked }) {
    if (asked !== "pause") this.#thinVoice(THIN.has(rung));
  }

  #setUpSlowly() {
    this.slow = true;
    this.#thinVoice(true);
  }

  #thinVoice(thin) {
    if (thin === this.#thin || !this.#peer.getSenders().some(({ track }) => track?.kind === "audio")) return;
    this.#thin = thin;
    this.#shaping = this.#shaping.then(() => this.#shape(thin)).catch((error) => this.#over || console.error(error));
  }

  async #shape(thin) {
    if (this.#over) return;
    await this.#peer.setLocalDescription();
    await this.#peer.setRemoteDescription({ type: "answer", sdp: thin ? askingForThinVoice(this.#answer) : this.#answer });
  }

  #loseUnlessBack() {
    const timer = setTimeout(() => {
      if (this.#peer.connectionState === "disconnected") this.#lose(null);
    }, DISCONNECTED_LIMIT_MS);
    this.#timers.add(timer);
  }

  #every(intervalMs, action) {
    this.#timers.add(setInterval(action, intervalMs));
  }

  #lose(reason) {
    if (!this.#finish()) return;
    this.#peer.close();
    this.dispatchEvent(new CustomEvent("lost", { detail: { reason } }));
  }

  /** Watch no more; false where that was done before. */
  #finish() {
    if (this.#over) return false;
    this.#over = true;
    this.#unhook();
    for (const timer of this.#timers) clearInterval(timer);
    return true;
  }
}

/** Ask a receiver to hold what comes for so long at least; with 0, as little as the network allows: the delay is in the portrait already. */
function hold(receiver, ms) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = ms;
  else if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = ms / 1000;
}
