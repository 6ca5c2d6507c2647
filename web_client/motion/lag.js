// How far the pictures may follow the voice, so that those that come late are seen at all. A message holds three new frames; the
// first of them has waited for the last.

export const MOST_LAG_MS = 25; // with the 20 that a picture has stood on average, well within the 60 that sound and picture may be apart
const CALMER_MS = 0.1; // a message

export class Lag {
  ms = 0;

  /** A message came whose first new frame was due so long ago (negative: it is in time). */
  arrived(lateMs) {
    this.ms = Math.max(Math.min(lateMs, MOST_LAG_MS), this.ms - CALMER_MS, 0);
  }
}
