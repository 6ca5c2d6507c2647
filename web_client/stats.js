// What is measured during a call: delay, frame rate, loss and bit rate, from getStats and the server's hello.

/** The counters of one moment out of a browser's statistics report. */
export function readCounters(report) {
  const records = [...report.values()];
  const inbound = (kind) => records.find((record) => record.type === "inbound-rtp" && record.kind === kind) ?? {};
  const outbound = records.find((record) => record.type === "outbound-rtp" && record.kind === "audio") ?? {};
  return { video: inbound("video"), audio: inbound("audio"), outbound, roundTripMs: readRoundTripMs(records) };
}

/** Round trip of the path in use, in ms, or null before the first check. */
function readRoundTripMs(records) {
  const transport = records.find((record) => record.type === "transport");
  const pair =
    records.find((record) => record.id === transport?.selectedCandidatePairId) ??
    records.find((record) => record.type === "candidate-pair" && record.nominated);
  return pair?.currentRoundTripTime === undefined ? null : 1000 * pair.currentRoundTripTime;
}

/**
 * The figures of the time between two moments.
 * `hello`: the server's { delay_ms, future_audio_ms }, or null before it came.
 * Returns { delayMs, parts, framesPerSecond, lossPercent, receivedKbps, sentKbps }; null where unknown.
 */
export function measure(before, after, hello) {
  const seconds = (after.video.timestamp - before.video.timestamp) / 1000;
  const rate = (kind, key) => (seconds > 0 ? difference(before[kind], after[kind], key) / seconds : null);
  const parts = delayParts(before, after, hello);
  return {
    parts,
    delayMs: parts && Object.values(parts).reduce((sum, partMs) => sum + partMs, 0),
    framesPerSecond: rate("video", "framesDecoded"),
    lossPercent: lossPercent(before, after),
    receivedKbps: kilobits(rate("video", "bytesReceived"), rate("audio", "bytesReceived")),
    sentKbps: kilobits(rate("outbound", "bytesSent")),
  };
}

/**
 * The parts of the delay from mouth to picture, in ms: what a listener waits for, one after the other. Where no video comes, the
 * picture is drawn on the voice's clock: the voice's buffer counts, and how late the page draws.
 */
function delayParts(before, after, hello) {
  const kind = difference(before.video, after.video, "jitterBufferEmittedCount") > 0 ? "video" : "audio";
  const bufferMs = perItemMs(before[kind], after[kind], "jitterBufferDelay", "jitterBufferEmittedCount");
  if (!hello || after.roundTripMs === null || bufferMs === null) return null;
  const decodeMs = kind === "video" ? perItemMs(before.video, after.video, "totalDecodeTime", "framesDecoded") ?? 0 : after.drawnLateMs ?? 0;
  return {
    futureMs: hello.future_audio_ms,
    serverMs: hello.delay_ms - hello.future_audio_ms,
    networkMs: after.roundTripMs,
    bufferMs: bufferMs + decodeMs,
  };
}

/** Mean time an item of the interval spent: a counter of seconds over a counter of pictures, or of sound samples. */
function perItemMs(before, after, secondsKey, countKey) {
  const count = difference(before, after, countKey);
  return count > 0 ? (1000 * difference(before, after, secondsKey)) / count : null;
}

/** Packets that never came, of those expected, both kinds together. */
function lossPercent(before, after) {
  const sum = (key) => difference(before.video, after.video, key) + difference(before.audio, after.audio, key);
  const lost = Math.max(0, sum("packetsLost"));
  const expected = lost + sum("packetsReceived") - sum("retransmittedPacketsReceived"); // which it counts in
  return expected > 0 ? (100 * lost) / expected : null;
}

function difference(before, after, key) {
  return (after[key] ?? 0) - (before[key] ?? 0);
}

function kilobits(...bytesPerSecond) {
  if (bytesPerSecond.includes(null)) return null;
  return (8 * bytesPerSecond.reduce((sum, rate) => sum + rate, 0)) / 1000;
}
