"""When what belongs to a media time leaves: one schedule for sound and picture, so that they never drift apart.

The schedule is absolute: media time m leaves at anchor + m + delay, however long anything took before. "The last one + 20
ms" drifts.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from realtime.clock import Clock
from realtime.model_spec import FRAME_MS

MAX_DROPPED_IN_A_ROW = 12
Verdict = Literal["early", "due", "late"]


@dataclass(kw_only=True)
class Counts:
    """shown: frames sent; repeated: frame times at which the last picture stood on; dropped: frames that came too late to be
    sent."""

    shown: int = 0
    repeated: int = 0
    dropped: int = 0


@dataclass(kw_only=True)
class ReleaseSchedule:
    """anchor_s: the clock's time at media time 0, once it is known; delay_ms: what sound waits for the generator. Frames more
    than one frame late are dropped: the picture before them stands a moment longer, and the sound never waits. Where all are
    late, one in half a second is sent all the same: a picture behind its voice is better than none."""

    clock: Clock
    delay_ms: float
    anchor_s: float = math.inf
    counts: Counts = field(default_factory=Counts)
    _last_index: int = -1

    def start(self) -> None:
        """Media time 0 is now."""
        self.anchor_s = self.clock.now()

    def approach(self, delay_ms: float, most_ms: float) -> None:
        """Moves the delay towards `delay_ms`, by at most `most_ms`: nobody hears small steps, and both streams move alike."""
        self.delay_ms += min(most_ms, max(-most_ms, delay_ms - self.delay_ms))

    def due_s(self, media_ms: float) -> float:
        """When media time `media_ms` leaves, on the clock."""
        return self.anchor_s + (media_ms + self.delay_ms) / 1000

    def wait_s(self, media_ms: float) -> float:
        """Seconds until then; 0 where it has passed."""
        return max(0.0, -self.lateness_s(media_ms))

    def lateness_s(self, media_ms: float) -> float:
        """Seconds since then; negative before it."""
        return self.clock.now() - self.due_s(media_ms)

    def judge(self, frame_index: int) -> Verdict:
        """Whether a picture that is ready now may still be sent; counts it, and those that were skipped before it."""
        lateness_ms = 1000 * self.lateness_s(frame_index * FRAME_MS)
        spare = lateness_ms > FRAME_MS and frame_index - self._last_index <= MAX_DROPPED_IN_A_ROW
        if spare or frame_index <= self._last_index:
            self.counts.dropped += 1
            return "late"
        self.counts.repeated += frame_index - self._last_index - 1
        self._last_index = frame_index
        self.counts.shown += 1
        return "due" if lateness_ms >= 0 else "early"
