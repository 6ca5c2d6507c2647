// How far the pictures may follow the voice, so that those that come late are seen at all. A message holds three frames; the first
// of them has waited for the last.

export const MOST_LAG_MS = 40; // of the 60 ms within which sound and picture are perceived together
const CALMER_MS = 0.1; // a message

export class Lag {
  ms = 0;

  /** A message came whose first frame was due so long ago (negative: it is in time). */
  arrived(lateMs) {
    this.ms = Math.max(Math.min(lateMs, MOST_LAG_MS), this.ms - CALMER_MS, 0);
  }
}
