// The messages on the data channel "facewire": JSON, at most 1100 bytes each (docs/protocol.md).

export const CHANNEL_LABEL = "facewire";
export const MOTION_LABEL = "facewire-motion"; // unordered, never sent again
export const PADDING = 0; // first byte of a message there that says nothing: half of a packet pair
export const PING_INTERVAL_MS = 1000;
export const THIN_PING_APART_MS = 1500; // so every second one, on a poor line: a ping and its answer take 0.1 s of 32 kbit/s
export const SILENCE_LIMIT_MS = 8000;

const MAX_LENGTH = 1100; // of a message; in characters it has no more than in bytes
const MAX_MEMBERS = 64;

const number = Number.isFinite;
const text = (value) => typeof value === "string";
const member = (value) => text(value?.id) && text(value.name) && typeof value.muted === "boolean";
const members = (value) => Array.isArray(value) && value.length <= MAX_MEMBERS && value.every(member);

// What the page needs of each; where one of them is of another kind, the message is none.
const NEEDED = {
  hello: { future_audio_ms: number, delay_ms: number, fps: number, size: number },
  stats: { delay_ms: number, frames: number, repeated: number, dropped: number, ingest_missing_ms: number, render_ms_p50: number },
  room: { room: text, you: text, members },
  rung: { rung: text, mode: text },
  goodbye: { reason: text },
  pong: {},
};
const NEEDED_OF_MOTION = {
  learning: { progress: number },
  sending: { atlas: number, bytes: number, rtp_origin: number },
  off: { reason: text },
};

/** A message of the server, or null for what this page does not know (a newer server may say more) or cannot be one. */
export function parseMessage(data) {
  if (!text(data) || data.length > MAX_LENGTH) return null;
  try {
    const message = JSON.parse(data);
    const needed = own(NEEDED, message?.type) ?? (message?.type === "motion" ? own(NEEDED_OF_MOTION, message.state) : null);
    return needed && Object.entries(needed).every(([name, is]) => is(message[name])) ? message : null;
  } catch {
    return null;
  }
}

function own(table, key) {
  return text(key) && Object.hasOwn(table, key) ? table[key] : null;
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
