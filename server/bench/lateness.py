"""When what a call shows and says arrived, against when it was due.

A sender report says which wall-clock time belongs to which RTP time; media time m is due at that plus what the server says it
holds back. A picture that never came is as late as the one shown in its place: the next that came.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WRAP = 2**32


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """at_s: wall clock, Unix seconds; timestamp: RTP time, or the media's own once unwrapped."""

    at_s: float
    timestamp: int


class Timeline:
    """Arrivals of one stream, the latest `most` of them, and the stream's clock as its sender reports it."""

    def __init__(self, *, rate_hz: int, most: int) -> None:
        self.rate_hz = rate_hz
        self._arrivals: deque[Arrival] = deque(maxlen=most)
        self._latest: int | None = None
        self._zero_s: float | None = None  # wall clock at RTP time 0, unwrapped

    def arrived(self, arrival: Arrival) -> None:
        timestamp = self._unwrap(arrival.timestamp)
        self._latest = timestamp if self._latest is None else max(self._latest, timestamp)
        self._arrivals.append(Arrival(at_s=arrival.at_s, timestamp=timestamp))

    def report(self, wall_s: float, timestamp: int) -> None:
        """A sender report: RTP time `timestamp` is wall-clock time `wall_s`."""
        self._zero_s = wall_s - self._unwrap(timestamp) / self.rate_hz

    def count(self, from_s: float, to_s: float) -> int:
        """How many arrived in a span of the wall clock."""
        return sum(from_s <= arrival.at_s < to_s for arrival in self._arrivals)

    def lateness_ms(self, *, delay_ms: float, step_ms: float, from_s: float, to_s: float) -> NDArray[np.float64]:
        """For everything due in a span of the wall clock, one entry each `step_ms` of media: by how much it, or what came in its
        place, was late. What has not come by the last arrival is as late as that. Empty before the first report."""
        if self._zero_s is None or not self._arrivals:
            return np.zeros(0)
        arrivals = sorted(self._arrivals, key=lambda arrival: arrival.timestamp)
        leaves_s = np.array([arrival.timestamp for arrival in arrivals]) / self.rate_hz + self._zero_s + delay_ms / 1000
        there_s = np.minimum.accumulate(np.array([arrival.at_s for arrival in arrivals])[::-1])[::-1]
        due_s = leaves_s[0] + np.arange(max(0.0, 1000 * (to_s - leaves_s[0]) / step_ms)) * step_ms / 1000
        due_s = due_s[due_s >= from_s]
        shown_by = np.searchsorted(leaves_s, due_s - 0.25 * step_ms / 1000)
        late_s: NDArray[np.float64] = np.append(there_s, max(to_s, arrivals[-1].at_s))[shown_by] - due_s
        return 1000 * late_s

    def _unwrap(self, timestamp: int) -> int:
        if self._latest is None:
            return timestamp
        return self._latest + (timestamp - self._latest + WRAP // 2) % WRAP - WRAP // 2
