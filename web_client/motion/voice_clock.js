// Which media time is heard now: from the voice's RTP time where the browser tells it, else from when messages come.

const RTP_PER_MS = 48;
const FRAME_MS = 40;
const EPOCH_MS = 1e11; // larger timestamps count from 1970, smaller ones from the page's beginning
const ARRIVAL_SPARE_MS = 80; // a message's frames are complete when its last one is

export class VoiceClock {
  #receiver;
  #origin;
  #outputMs;
  #ahead = -Infinity; // media time less page time, of the quickest message

  /** `receiver`: the voice's RTCRtpReceiver. `rtpOrigin`: the RTP time of media time 0. `outputMs()`: from the voice's track to
   * its sound, as the browser says; what it keeps a video in step with. */
  constructor(receiver, rtpOrigin, outputMs = () => 0) {
    this.#receiver = receiver;
    this.#origin = rtpOrigin;
    this.#outputMs = outputMs;
  }

  /** A message came whose last frame has this number. */
  arrived(lastFrame, nowMs = performance.now()) {
    this.#ahead = Math.max(this.#ahead - 1, lastFrame * FRAME_MS - nowMs);
  }

  /** The media time that is heard, in ms; null before anything came. */
  mediaMs(nowMs = performance.now()) {
    const source = this.#receiver?.getSynchronizationSources()[0];
    if (source?.rtpTimestamp === undefined) {
      return this.#ahead === -Infinity ? null : nowMs + this.#ahead - ARRIVAL_SPARE_MS;
    }
    const heardAtMs = source.timestamp > EPOCH_MS ? source.timestamp - performance.timeOrigin : source.timestamp;
    return ((source.rtpTimestamp - this.#origin) >>> 0) / RTP_PER_MS + (nowMs - heardAtMs) - this.#outputMs();
  }
}
