// What a page knows of the line that a connection's sound and picture come over, for the server's ladder.

const SPAN_MS = 4000; // at 17 packets a second, shorter ones say little of loss
const PAIR_LIMIT_MS = 2000;

export class LineReport {
  #moments = [];
  #firstHalfMs = -Infinity;
  #pairMs = null;

  /** Half of a packet pair came, 0 or 1; returns whether there is something new to tell. */
  pair(half, nowMs = performance.now()) {
    if (half === 0) this.#firstHalfMs = nowMs;
    else if (nowMs - this.#firstHalfMs < PAIR_LIMIT_MS) this.#pairMs = nowMs - this.#firstHalfMs;
    return half !== 0 && this.#pairMs !== null;
  }

  /** The figures since some four seconds ago, from the browser's statistics report: { loss, round_trip_ms, pair_ms }. */
  take(report, nowMs = performance.now()) {
    const records = [...report.values()];
    const inbound = records.filter(({ type }) => type === "inbound-rtp");
    const sum = (key) => inbound.reduce((total, record) => total + (record[key] ?? 0), 0);
    const received = sum("packetsReceived") - sum("retransmittedPacketsReceived"); // which it counts in; copies are never missed
    const now = { atMs: nowMs, lost: sum("packetsLost"), received };
    this.#moments = [...this.#moments.filter(({ atMs }) => nowMs - atMs <= SPAN_MS), now];
    const pairMs = this.#pairMs;
    this.#pairMs = null;
    return { loss: lossSince(this.#moments[0], now), round_trip_ms: roundTripMs(records), pair_ms: pairMs };
  }
}

function lossSince(before, now) {
  const lost = Math.max(0, now.lost - before.lost);
  const expected = lost + now.received - before.received;
  return expected > 0 ? lost / expected : null;
}

function roundTripMs(records) {
  const transport = records.find(({ type }) => type === "transport");
  const pair = records.find(({ id }) => id === transport?.selectedCandidatePairId);
  return pair?.currentRoundTripTime === undefined ? null : 1000 * pair.currentRoundTripTime;
}
