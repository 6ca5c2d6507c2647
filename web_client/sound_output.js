// What the browser's sound output takes: from a sample that leaves its track to its being heard.

export class SoundOutput {
  #before = { delay: 0, samples: 0 };
  #ms = 0;

  /** In ms, of the samples since the last time; 0 in a browser that does not tell. */
  take(report) {
    const playout = [...report.values()].find(({ type }) => type === "media-playout");
    const now = { delay: playout?.totalPlayoutDelay ?? 0, samples: playout?.totalSamplesCount ?? 0 };
    const samples = now.samples - this.#before.samples;
    if (samples > 0) this.#ms = (1000 * (now.delay - this.#before.delay)) / samples;
    this.#before = now;
    return this.#ms;
  }
}
