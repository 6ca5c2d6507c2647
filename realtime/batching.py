"""One step of the network for windows of several sessions, each wherever it is in its own stream. No threads, no queues."""

import itertools
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from realtime.model_spec import N_MFCC, WINDOW_HOPS
from realtime.runners.runner import FOREVER, Arrays, Runner

_numbers = itertools.count()  # streams are told apart for ever, other than by id()


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """When the step that completed a frame was asked for, begun and done, on the engine's clock; batch: windows in it."""

    submitted_s: float = 0.0
    begun_s: float = 0.0
    done_s: float = 0.0
    batch: int = 1


@dataclass(frozen=True, kw_only=True)
class FaceMotion:
    """What the generator's head says about one frame: its arrays, without the batch."""

    index: int
    outputs: Arrays
    times: StepTimes = StepTimes()


@dataclass(frozen=True, kw_only=True)
class Request:
    """A window to push, and who waits for what comes out. index: its frame; None for the silence that flushes the network; due_s:
    when the result is needed, on the engine's clock (None: as soon as possible, and it is never left out)."""

    index: int | None
    mfcc: NDArray[np.float32]
    due_s: float | None = None
    submitted_s: float = 0.0
    done: Future[list[FaceMotion]] = field(default_factory=Future)


def flushing(lookahead: int) -> list[Request]:
    """What brings the last `lookahead` frames out."""
    return [Request(index=None, mfcc=np.zeros((N_MFCC, WINDOW_HOPS), np.float32)) for _ in range(lookahead)]


class Stream:
    """How far one session has come.

    State: the network's own arrays; the frames that went in and did not come out; how many went in, how many steps were made.
    """

    def __init__(self, identity: Arrays, state: Arrays, lookahead: int) -> None:
        self.number = next(_numbers)
        self.identity, self.state = identity, state
        self._lookahead = lookahead
        self._unfinished: deque[int] = deque()
        self._pushed = 0
        self._steps = 0

    def end(self, request: Request) -> int:
        """The stream's length as the network must know it at this step: it counts once silence is pushed after the last window.

        Windows that failed are no part of the stream.
        """
        return self._pushed if request.index is None else FOREVER

    def advance(self, request: Request, outputs: Arrays, state: Arrays) -> list[FaceMotion]:
        """After a step: the frame that it completed, none while the lookahead fills."""
        self.state = state
        self._steps += 1
        if request.index is not None:
            self._pushed += 1
            self._unfinished.append(request.index)
        if self._steps <= self._lookahead or not self._unfinished:
            return []
        return [FaceMotion(index=self._unfinished.popleft(), outputs=outputs)]


class BatchedStep:
    """Steps several streams at once. Not thread-safe, like the runner that it drives.

    State: the joined identity arrays of the last batch; they are the largest inputs, and batches often repeat.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._joined: tuple[tuple[int, ...], Arrays] = ((), {})

    def __call__(self, streams: list[Stream], requests: list[Request]) -> list[list[FaceMotion]]:
        """One window of each stream → the frames that this completed, by stream. Where it raises, no stream has moved."""
        window = np.stack([request.mfcc for request in requests])
        end = np.array([stream.end(request) for stream, request in zip(streams, requests, strict=True)], np.int64)
        state = {name: np.concatenate([stream.state[name] for stream in streams]) for name in self._runner.spec.state}
        outputs, after = self._runner.step(self._identities(streams), window, end, state)
        rows = range(len(streams))
        own_outputs = [{name: value[row] for name, value in outputs.items()} for row in rows]
        own_state = [{name: value[row : row + 1] for name, value in after.items()} for row in rows]
        moved = zip(streams, requests, own_outputs, own_state, strict=True)
        return [stream.advance(request, frame, state) for stream, request, frame, state in moved]

    def _identities(self, streams: list[Stream]) -> Arrays:
        numbers = tuple(stream.number for stream in streams)
        if numbers != self._joined[0]:
            names = self._runner.spec.identity
            self._joined = (numbers, {name: np.concatenate([stream.identity[name] for stream in streams]) for name in names})
        return self._joined[1]
