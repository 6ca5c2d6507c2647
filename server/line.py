"""What is known of the line to one listener: of what they, their browser and RTCP report, the latest that is not too old."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

FRESH_S = 4.0
TALKING_S = 1.5  # who reports every second may be late by so much before it counts as silence
BASE_S = 60.0  # the least round trip in so long is the line's own; what is above it waits in a queue
MAX_ROUND_TRIPS = 128
PAIRS = 5
AGREED, ALIKE, AMPLE_BPS = 3, 0.25, 1e6  # so many pairs agree where none tells of less than this share, or all tell of so much
STILL = 1.4  # an estimate so many times what is sent was not reached by it
SENT_OVER_S = 2.0  # what is sent is a mean of so long
FASTEST_S = 1e-4  # a gap that is shorter says nothing but that the line is fast


@dataclass(frozen=True, kw_only=True)
class Reading:
    """silent_s: for so long nothing came from one who should have said something; loss: share of the packets that never came;
    queued_ms: what the round trip has on top of the line's own; estimate_bps: the browser's estimate of what its network takes
    (REMB; None without pictures); sent_bps: what the pictures take (None before it was measured); capacity_bps: by packet pairs
    (None before the first ones came); sure: the last three of them agree. A busy page takes both halves of one at
    once, and nothing makes them come nearer to each other on the line."""

    silent_s: float = 0.0
    loss: float = 0.0
    queued_ms: float = 0.0
    estimate_bps: int | None = None
    sent_bps: float | None = None
    capacity_bps: float | None = None
    sure: bool = True

    @property
    def limit_bps(self) -> int | None:
        """The estimate, where it is the line's. A receiver believes in no more than one and a half times what comes, and aiortc
        cuts its estimate down to that: one far above what is sent tells of still pictures, not of a poor line."""
        if self.estimate_bps is None or (self.sent_bps is not None and self.estimate_bps > STILL * self.sent_bps):
            return None
        return self.estimate_bps


@dataclass(kw_only=True)
class Line:
    """The last reports, each with its time, and the round trips of a minute. since_s: when the listener was there."""

    since_s: float
    _heard_s: float | None = None
    _talks: bool = False
    _told: tuple[float, float] | None = None  # when, share lost: the client's
    _reported: tuple[float, float] | None = None  # RTCP's
    _estimate: tuple[float, int] | None = None
    _sent: tuple[float, int] | None = None  # when, bytes of pictures since the beginning
    _sent_bps: float | None = None
    _round_trips: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_ROUND_TRIPS))
    _gaps_s: deque[float] = field(default_factory=lambda: deque(maxlen=PAIRS))

    @property
    def is_new(self) -> bool:
        """Nothing was ever heard."""
        return self._heard_s is None

    def hear(self, now_s: float, *, talks: bool = False) -> None:
        """Something came from the listener: the line is not blocked. talks: more will come every second or so."""
        self._heard_s, self._talks = now_s, self._talks or talks

    def tell(self, now_s: float, *, loss: float | None, round_trip_ms: float | None) -> None:
        """The client's own figures of the last seconds; None: it does not know."""
        self.hear(now_s, talks=True)
        self._told = now_s, loss or 0.0
        if round_trip_ms is not None:
            self._round_trips.append((now_s, round_trip_ms))

    def report(self, now_s: float, *, loss: float) -> None:
        """A receiver report."""
        self.hear(now_s)
        self._reported = now_s, loss

    def estimate(self, now_s: float, bits_per_second: int) -> None:
        """REMB."""
        self.hear(now_s, talks=True)
        self._estimate = now_s, bits_per_second

    def send(self, now_s: float, n_bytes: int) -> None:
        """So many bytes of pictures went out since the call began."""
        if self._sent is not None and now_s > self._sent[0]:
            rate = 8 * (n_bytes - self._sent[1]) / (now_s - self._sent[0])
            share = min(1.0, (now_s - self._sent[0]) / SENT_OVER_S)
            self._sent_bps = rate if self._sent_bps is None else (1 - share) * self._sent_bps + share * rate
        self._sent = now_s, n_bytes

    def pair(self, gap_ms: float, n_bytes: int) -> None:
        """Two packets that left together came so far apart; n_bytes: of the second on the wire."""
        self._gaps_s.append(max(FASTEST_S, gap_ms / 1000) / n_bytes)

    @property
    def latest_pair_bps(self) -> float | None:
        """What the line carries, by the packet pair alone that was told of last."""
        return 8 / self._gaps_s[-1] if self._gaps_s else None

    def forget_estimate(self) -> None:
        """No pictures go out any more: what was estimated from them says nothing of now."""
        self._estimate, self._sent, self._sent_bps = None, None, None

    def forget_pairs(self) -> None:
        self._gaps_s.clear()

    def reading(self, now_s: float) -> Reading:
        fresh = self._estimate is not None and now_s - self._estimate[0] <= FRESH_S
        return Reading(
            silent_s=self._silent_s(now_s),
            loss=self._loss(now_s),
            queued_ms=self._queued_ms(now_s),
            estimate_bps=self._estimate[1] if self._estimate is not None and fresh else None,
            sent_bps=self._sent_bps,
            capacity_bps=8 / median(self._gaps_s) if self._gaps_s else None,
            sure=self._agreed(),
        )

    def _agreed(self) -> bool:
        """Whether the slowest of the last three pairs tells much the same as most do, or of more than anybody needs; also where
        there were none at all."""
        if len(self._gaps_s) < AGREED:
            return not self._gaps_s
        slowest_bps = 8 / max(list(self._gaps_s)[-AGREED:])
        return slowest_bps >= min(ALIKE * 8 / median(self._gaps_s), AMPLE_BPS)

    def _silent_s(self, now_s: float) -> float:
        """Of one who never said anything, counted from the beginning; one who reports rarely may be silent."""
        if self._heard_s is None:
            return now_s - self.since_s
        return max(0.0, now_s - self._heard_s - TALKING_S) if self._talks else 0.0

    def _loss(self, now_s: float) -> float:
        """The client's own figure where there is a fresh one: it stands on more packets than a receiver report's."""
        for at_s, loss in filter(None, (self._told, self._reported)):
            if now_s - at_s <= FRESH_S:
                return loss
        return 0.0

    def _queued_ms(self, now_s: float) -> float:
        while self._round_trips and now_s - self._round_trips[0][0] > BASE_S:
            self._round_trips.popleft()
        if not self._round_trips or now_s - self._round_trips[-1][0] > FRESH_S:
            return 0.0
        return self._round_trips[-1][1] - min(ms for _, ms in self._round_trips)
