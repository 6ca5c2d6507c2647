// The messages on the data channel "facewire": JSON, at most 1100 bytes each (docs/protocol.md).

export const CHANNEL_LABEL = "facewire";
export const MOTION_LABEL = "facewire-motion"; // unordered, never sent again
export const PING_INTERVAL_MS = 1000;
export const SILENCE_LIMIT_MS = 8000;

const KNOWN_TYPES = new Set(["hello", "stats", "room", "motion", "goodbye", "pong"]);

/** A message of the server, or null for what this page does not know (a newer server may say more). */
export function parseMessage(text) {
  if (typeof text !== "string") return null;
  try {
    const message = JSON.parse(text);
    return KNOWN_TYPES.has(message?.type) ? message : null;
  } catch {
    return null;
  }
}

/** The keep-alive; the server sends `tMs` back in its pong. */
export function ping(tMs) {
  return JSON.stringify({ type: "ping", t: Math.round(tMs) });
}

/** What the others in a room are told of oneself. */
export function me({ name, muted }) {
  return JSON.stringify({ type: "me", name, muted });
}

/** Ask for the motion stream instead of video (docs/motion.md), or for video again. */
export function motion(wanted) {
  return JSON.stringify({ type: "motion", want: wanted });
}
