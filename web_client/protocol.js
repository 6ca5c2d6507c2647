// The messages on the data channel "facewire": JSON, at most 1100 bytes each (docs/protocol.md).

export const CHANNEL_LABEL = "facewire";
export const MOTION_LABEL = "facewire-motion"; // unordered, never sent again
export const PADDING = 0; // first byte of a message there that says nothing: half of a packet pair
export const PING_INTERVAL_MS = 1000;
export const SILENCE_LIMIT_MS = 8000;

const KNOWN_TYPES = new Set(["hello", "stats", "room", "rung", "motion", "goodbye", "pong"]);

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

/** The keep-alive; the server sends `tMs` back in its pong. `line`: what the page knows of its line, as line_report.js takes it. */
export function ping(tMs, line = null) {
  return JSON.stringify({ type: "ping", t: Math.round(tMs), ...(line && { line: rounded(line) }) });
}

function rounded(line) {
  const known = Object.entries(line).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, Math.round(1000 * value) / 1000]));
}

/** What the others in a room are told of oneself. */
export function me({ name, muted }) {
  return JSON.stringify({ type: "me", name, muted });
}

/** Ask the server's ladder for a kind of picture: auto, video, motion or voice. */
export function mode(wanted) {
  return JSON.stringify({ type: "mode", want: wanted });
}
