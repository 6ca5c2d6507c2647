"""How far the mouth may leave the portrait: 1 in speech, exactly 0 in silence, smooth between.

Source: papers/1, figures 8 and 13: silent sound must leave the mouth as it is in the portrait, open or closed.
"""

import math

OPEN_FRAMES = 3
CLOSE_FRAMES = 5


class MouthGate:
    """One decision a frame in, one openness out. State: how far along the ramp."""

    def __init__(self, *, open_frames: int = OPEN_FRAMES, close_frames: int = CLOSE_FRAMES) -> None:
        self._up, self._down = 1 / open_frames, 1 / close_frames
        self._along = 0.0

    def push(self, voiced: bool) -> float:
        """0..1, half a cosine from end to end."""
        step = self._up if voiced else -self._down
        self._along = min(1.0, max(0.0, self._along + step))
        return 0.5 - 0.5 * math.cos(math.pi * self._along)
