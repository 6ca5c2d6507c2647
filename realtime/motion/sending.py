"""Frames of one call → the messages that go out: a few new frames each, and those of the message before it once more."""

from realtime.layers import FaceLayers
from realtime.motion.atlas import Atlas
from realtime.motion.basis import Projector
from realtime.motion.message import MotionFrame, MotionMessage, encode

FRAMES_A_MESSAGE = 3  # a message's headers are larger than its frames: two would cost half as much again, four 40 ms more
REST_FRAMES = 12  # at rest a message is sent as often as this, for whoever lost the last


class MotionSender:
    """State: the frames that wait for their message; how long the face has been at rest."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._projector = Projector(atlas)
        self._rest = (0,) * len(atlas.coders)
        self._first, self._waiting = 0, list[MotionFrame]()
        self._before: tuple[int, tuple[MotionFrame, ...]] = 0, ()  # those of the last message: the first one's number, and they
        self._resting = 0  # frames

    def push(self, index: int, layers: FaceLayers) -> list[bytes]:
        """A frame of the call, in order; where some were left out, those before them go at once."""
        messages = []
        if self._waiting and index != self._first + len(self._waiting):
            messages += self._flush()
        if not self._waiting:
            self._first = index
        self._waiting.append(MotionFrame(coefficients=self._projector.project(layers)))
        return messages + (self._flush() if len(self._waiting) == FRAMES_A_MESSAGE else [])

    def _flush(self) -> list[bytes]:
        frames, self._waiting = tuple(self._waiting), []
        first, again = self._again()
        self._before = self._first, frames
        at_rest = all(frame.coefficients == self._rest for frame in frames)
        self._resting = self._resting + len(frames) if at_rest else 0
        if at_rest and self._resting > len(frames) and self._resting % REST_FRAMES != len(frames):
            return []
        return [encode(MotionMessage(atlas=self.atlas.identity, first_frame=first, frames=again + frames), self.atlas)]

    def _again(self) -> tuple[int, tuple[MotionFrame, ...]]:
        """What the next message begins with: the frames before its own, where there were some and they follow each other."""
        first, frames = self._before
        return (first, frames) if first + len(frames) == self._first else (self._first, ())
