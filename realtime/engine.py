"""One worker thread owns the model and draws for all sessions that are due, together."""

import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from realtime.batching import BatchedStep, FaceMotion, Request, Stream, flushing
from realtime.errors import CapacityError, ConfigError
from realtime.features.windows import Window
from realtime.model_spec import ModelSpec
from realtime.runners.runner import Runner

BATCHES = (1, 2, 4, 8)  # sizes that are compiled; the largest that fits what is due is taken
MAX_WAITING = 64  # windows of one session that may wait: 2.6 s; offline callers wait for their futures

_Result = TypeVar("_Result")


class EngineSession:
    """One stream through the engine. Windows go in in order; each future holds the frames that became complete: none or one.

    A future's callbacks run on the engine's worker: they may submit, open and close, but must not wait for another future.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._waiting: deque[Request] = deque()
        self._refusal: str | None = None  # why no window is taken any more
        self._stream: Stream  # the worker's own, once the portrait is prepared

    def submit(self, window: Window) -> Future[list[FaceMotion]]:
        """Queues one window. One that fails is left out of the stream and its future says why; the stream goes on.

        Raises CapacityError where MAX_WAITING windows wait already: the caller drops this frame and goes on; and where the
        stream has ended.
        """
        request = Request(index=window.index, mfcc=window.mfcc)
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
                _answer(rest, error)
            else:
                frames.extend(part.result())
                if part is requests[-1].done:
                    _answer(rest, frames)

        if not requests:
            rest.set_result([])
        for request in requests:
            request.done.add_done_callback(collect)
        return rest

    def close(self) -> None:
        """Leaves the engine; what still waits is cancelled."""
        self._engine._leave(self)


class Engine:
    """Batches sessions into as few steps as possible. A context manager: it runs from `with` to the end of the block.

    Raises ConfigError for batches of none.
    """

    def __init__(self, runner: Runner, *, max_batch: int = 8, max_sessions: int = 64) -> None:
        if max_batch < 1:
            raise ConfigError(f"batches of at most {max_batch} sessions draw nothing: 1 or more was expected")
        self.runner = runner
        self._step = BatchedStep(runner)
        self._batches = [size for size in BATCHES if size <= max_batch]
        self._max_sessions = max_sessions
        self._sessions: list[EngineSession] = []  # one whose portrait is still being prepared has its place too
        self._portraits: deque[tuple[EngineSession, NDArray[np.uint8], Future[None]]] = deque()
        self._wake = threading.Condition()
        self._running = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    @property
    def spec(self) -> ModelSpec:
        return self.runner.spec

    @property
    def n_sessions(self) -> int:
        return len(self._sessions)

    def __enter__(self) -> Self:
        self._running = True
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._wake:
            self._running = False
            self._wake.notify()
        self._thread.join()
        while self._portraits:
            _answer(self._portraits.popleft()[-1], _stopped())
        for session in list(self._sessions):
            session.close()

    def open(self, crop: NDArray[np.uint8]) -> EngineSession:
        """A session for a portrait's crop [112, 112, 4]; the identity is prepared on the worker.

        Raises CapacityError.
        """
        session, ready = EngineSession(self), Future[None]()
        with self._wake:
            if not self._running:
                raise _stopped()
            if len(self._sessions) >= self._max_sessions:
                raise CapacityError(f"all {self._max_sessions} places of the engine are taken: try again later")
            self._sessions.append(session)
            self._portraits.append((session, crop, ready))
            self._wake.notify()
        while threading.current_thread() is self._thread and not ready.done():  # nobody else would
            self._prepare()
        try:
            ready.result()
        except BaseException:
            session.close()
            raise
        return session

    def _enqueue(self, session: EngineSession, requests: list[Request], *, last: bool = False) -> None:
        with self._wake:
            if session._refusal is not None:
                raise CapacityError(f"the engine takes no window: {session._refusal}")
            if not last and len(session._waiting) >= MAX_WAITING:
                raise CapacityError(f"the engine takes no window: {MAX_WAITING} windows wait already")
            if last:
                session._refusal = "the stream has ended"
            session._waiting.extend(requests)
            self._wake.notify()

    def _leave(self, session: EngineSession) -> None:
        with self._wake:
            session._refusal = "the session is closed"
            waiting, session._waiting = session._waiting, deque()
            if session in self._sessions:
                self._sessions.remove(session)
        for request in waiting:
            request.done.cancel()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._portraits or self._due() or not self._running)
                if not self._running:
                    return
                due = [] if self._portraits else self._batch(self._due())
                requests = [session._waiting.popleft() for session in due]
                # those that were served go to the back: nobody starves when more are due than fit one batch
                self._sessions.sort(key=lambda session: session in due)
            if due:
                self._serve([session._stream for session in due], requests)
            else:
                self._prepare()

    def _batch(self, due: list[EngineSession]) -> list[EngineSession]:
        """The largest compiled batch that can be filled now; the rest is served right after it."""
        return due[: max((size for size in self._batches if size <= len(due)), default=0)]

    def _due(self) -> list[EngineSession]:
        return [session for session in self._sessions if session._waiting]

    def _prepare(self) -> None:
        """Looks at the portrait that has waited longest."""
        session, crop, ready = self._portraits.popleft()
        try:
            identity, state = self.runner.prepare(crop), self.runner.initial_state(1)
            session._stream = Stream(identity, state, self.spec.lookahead_frames)
            _answer(ready, None)
        except Exception as error:
            _answer(ready, error)

    def _serve(self, streams: list[Stream], requests: list[Request]) -> None:
        """One step for one window of each stream. Where it fails each is tried alone: one session's fault is nobody else's."""
        try:
            moved = self._step(streams, requests)
        except Exception as error:
            if len(streams) == 1:
                _answer(requests[0].done, error)
                return
            for stream, request in zip(streams, requests, strict=True):
                self._serve([stream], [request])
            return
        for request, motions in zip(requests, moved, strict=True):
            _answer(request.done, motions)


def _stopped() -> CapacityError:
    return CapacityError("the engine has stopped: it takes no session")


def _answer(future: Future[_Result], result: _Result | BaseException) -> None:
    """Answers a future unless it was cancelled meanwhile."""
    try:
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
    except InvalidStateError:
        pass
