// The panel that shows what stats.js measures, once a second.

import { measure, readCounters } from "./stats.js";

const INTERVAL_MS = 1000;
const HISTORY = 4;
const NOTHING = "–";

export class Measurements {
  #panel;
  #connection = null;
  #hello = null;
  #moments = [];
  #timer = 0;
  drawn = { framesDrawn: 0, lateMs: 0 }; // what the page draws itself: how many pictures ever, how late after their sound

  constructor(panel) {
    this.#panel = panel;
  }

  /** Start to measure a connection. */
  follow(connection) {
    this.stop();
    this.#connection = connection;
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
  }

  /** The server's hello, which may come before `follow`, and its stats: what it adds to the delay, at first and now. */
  hear({ delay_ms, future_audio_ms = this.#hello?.future_audio_ms }) {
    this.#hello = { delay_ms, future_audio_ms };
  }

  /** Measure no more; the figures are unknown again. */
  stop() {
    clearInterval(this.#timer);
    this.#connection = null;
    this.#moments = [];
    this.#show({});
  }

  /** Figures over the last three seconds: long enough to be calm, short enough to be now. */
  async #sample() {
    const connection = this.#connection;
    const counters = readCounters(await connection.getStats());
    if (connection !== this.#connection) return;
    counters.video = { ...counters.video, framesDecoded: (counters.video.framesDecoded ?? 0) + this.drawn.framesDrawn };
    counters.drawnLateMs = this.drawn.lateMs;
    this.#moments = [...this.#moments, counters].slice(-HISTORY);
    if (this.#moments.length > 1) this.#show(measure(this.#moments[0], counters, this.#hello));
  }

  #show({ delayMs, parts, framesPerSecond, lossPercent, receivedKbps, sentKbps }) {
    this.#write("figure-delay", delayMs, (ms) => `${Math.round(ms / 5) * 5} ms`);
    this.#write("figure-frames", framesPerSecond, (rate) => `${rate.toFixed(1)} fps`);
    this.#write("figure-loss", lossPercent, (percent) => `${percent.toFixed(1)} %`);
    this.#write("figure-bit-rate", receivedKbps, inKilobits);
    this.#write("figure-sent", sentKbps, (kbps) => `${inKilobits(kbps)} sent`);
    this.#write("part-future", parts?.futureMs, inMilliseconds);
    this.#write("part-server", parts?.serverMs, inMilliseconds);
    this.#write("part-network", parts?.networkMs, inMilliseconds);
    this.#write("part-buffer", parts?.bufferMs, inMilliseconds);
  }

  #write(id, value, toText) {
    const known = value !== null && value !== undefined;
    this.#panel.querySelector(`#${id}`).textContent = known ? toText(value) : NOTHING;
  }
}

function inMilliseconds(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function inKilobits(kbps) {
  return `${Math.round(kbps)} kbit/s`;
}
