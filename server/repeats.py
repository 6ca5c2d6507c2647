"""Whether one receiver's pictures are sent three times: on a line that loses some packets and has room for many more.

A picture that is lost and asked for again comes a round trip and a frame late: over 40 ms each way one picture in fifty stands
130 ms too long. Sent three times, every copy must be lost for that. Where loss comes from a line that is full, copies would be
worse than none: it takes a line of several times what is sent, without a queue (docs/decisions/0030).
"""

from dataclasses import dataclass

from server.line import Reading

LOSSY, CLEAN = 0.005, 0.001  # of the packets: from here on, until there was less for CALM_S
MOST_LOSS = 0.06  # more is a line in trouble
ROOM = 4  # times what one copy takes, by packet pairs, to begin; that it carries all three it shows from then on
MOST_QUEUED_MS = 120.0
CALM_S = 30.0
REGRET_S = 60.0  # after it was too much


@dataclass(kw_only=True)
class Repeats:
    """State: whether they are now, when loss was last told of, and until when they must not be."""

    on: bool = False
    _lossy_s: float = float("-inf")
    _not_before_s: float = float("-inf")

    def judge(self, reading: Reading, now_s: float) -> bool:
        """Whether they are from now on."""
        if reading.loss >= (CLEAN if self.on else LOSSY):
            self._lossy_s = now_s
        if self.on and not _bears(reading):
            self._not_before_s = now_s + REGRET_S
        lossy = now_s - self._lossy_s < CALM_S
        self.on = lossy and now_s >= self._not_before_s and _bears(reading) and (self.on or _has_room(reading))
        return self.on

    def rest(self) -> None:
        """No pictures of that size go out: what the line carried says nothing of when they come back."""
        self.on = False

    def asks_for_pairs(self, reading: Reading, now_s: float) -> bool:
        """It would begin, were more known of the line."""
        known = reading.capacity_bps is not None and reading.sure
        return not self.on and now_s >= self._not_before_s and reading.loss >= LOSSY and _bears(reading) and not known


def _bears(reading: Reading) -> bool:
    """It loses no more than a line that is fast, and nothing waits in it."""
    return reading.loss <= MOST_LOSS and reading.queued_ms <= MOST_QUEUED_MS


def _has_room(reading: Reading) -> bool:
    """By pairs that agree; jitter makes a line look slower than it is."""
    if reading.capacity_bps is None or reading.sent_bps is None or not reading.sure:
        return False
    return reading.capacity_bps >= ROOM * reading.sent_bps
