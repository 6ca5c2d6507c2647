"""One stream's place in the engine: its windows that wait, and whether it takes more."""

from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

from realtime.answers import answer
from realtime.batching import FaceMotion, Request, Stream, flushing
from realtime.features.windows import Window

if TYPE_CHECKING:
    from realtime.engine import Engine

MAX_WAITING = 64  # windows of one session that may wait: 2.6 s; offline callers wait for their futures


class EngineSession:
    """One stream through the engine. Windows go in in order; each future holds the frames that became complete: none or one.

    A future's callbacks run on the engine's worker: they may submit, open and close, but must not wait for another future.
    left_out: windows that could not be drawn in time, in all.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._waiting: deque[Request] = deque()
        self._refusal: str | None = None  # why no window is taken any more
        self._lost_in_a_row = 0
        self.left_out = 0
        self._stream: Stream  # the worker's own, once the portrait is prepared

    def submit(self, window: Window, due_s: float | None = None) -> Future[list[FaceMotion]]:
        """Queues one window whose result is needed at `due_s` on the engine's clock (None: as soon as possible).

        One that fails is left out of the stream and its future says why; one that cannot be ready in time, while a newer one
        waits, is left out too, and its future holds no frame. The stream goes on.

        Raises CapacityError where MAX_WAITING windows wait already: the caller drops this frame and goes on; and where the
        stream has ended.
        """
        request = Request(index=window.index, mfcc=window.mfcc, due_s=due_s, submitted_s=self._engine.clock.now())
        self._engine._enqueue(self, [request])
        return request.done

    def finish(self) -> Future[list[FaceMotion]]:
        """Ends the stream; the future holds the last `lookahead` frames. There is room for this however many windows wait.

        Raises CapacityError where the stream has ended already.
        """
        requests = flushing(self._engine.spec.lookahead_frames)
        self._engine._enqueue(self, requests, last=True)
        rest: Future[list[FaceMotion]] = Future()
        frames: list[FaceMotion] = []

        def collect(part: Future[list[FaceMotion]]) -> None:
            if part.cancelled():
                rest.cancel()
            elif (error := part.exception()) is not None:
                answer(rest, error)
            else:
                frames.extend(part.result())
                if part is requests[-1].done:
                    answer(rest, frames)

        if not requests:
            rest.set_result([])
        for request in requests:
            request.done.add_done_callback(collect)
        return rest

    def close(self) -> None:
        """Leaves the engine; what still waits is cancelled."""
        self._engine._leave(self)
