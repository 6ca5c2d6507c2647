// How long to wait before each attempt to reconnect: quickly first, then seldom, then no more.

import { unlessAborted } from "./unless_aborted.js";

const FIRST_MS = 500;
const LONGEST_MS = 8000;
const SPREAD = 0.2;
export const ATTEMPTS = 12;

/** Waiting times in ms, doubling up to 8 s, each ±20 % so that a full server is not stormed at once. */
export function* backOff(random = Math.random) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
    yield waitMs * (1 + SPREAD * (2 * random() - 1));
  }
}

/** Resolve after `waitMs`; reject at once with an AbortError when the signal fires. */
export function pause(waitMs, signal) {
  return unlessAborted(new Promise((resolve) => setTimeout(resolve, waitMs)), signal);
}
