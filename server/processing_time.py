"""What voice and picture are held back for drawing, beyond the future audio: little while there is time, more under load.

A picture that waits longer is drawn with those of more calls, which costs less for each. One call alone waits for nobody.
"""

QUIET, BUSY = 0.3, 0.6  # share used of the busiest resource: from the one on it grows, at the other it is all there may be
LOST = 0.02  # of all pictures: then there was too little, whatever the reason
GROWS_MS, SHRINKS_MS = 5.0, 1.0  # a second, at most: time is needed at once, and given back once the load has gone


class ProcessingTime:
    """Of all calls of a server; told once a second how it fares. ms: between `least_ms` and `most_ms`."""

    def __init__(self, least_ms: float, most_ms: float) -> None:
        self._least_ms, self._most_ms = least_ms, most_ms
        self.ms = least_ms

    def note(self, *, calls: int, busy: float, lost_share: float) -> None:
        """calls: how many there are; busy: share of the busiest resource, 0..1; lost_share: of the pictures that were due."""
        wanted_ms = self._wanted_ms(calls, busy, lost_share)
        self.ms = min(self.ms + GROWS_MS, max(self.ms - SHRINKS_MS, wanted_ms))

    def _wanted_ms(self, calls: int, busy: float, lost_share: float) -> float:
        if calls and lost_share > LOST:
            return self._most_ms
        load = min(1.0, max(0.0, (busy - QUIET) / (BUSY - QUIET))) if calls > 1 else 0.0
        return self._least_ms + load * (self._most_ms - self._least_ms)
