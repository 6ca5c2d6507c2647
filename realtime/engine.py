"""One worker thread owns the model and draws for all sessions that are due, together."""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from realtime.errors import CapacityError
from realtime.features.windows import Window
from realtime.model_spec import N_MFCC, WINDOW_HOPS, ModelSpec
from realtime.runners.runner import FOREVER, Arrays, Runner

BATCHES = (1, 2, 4, 8)  # sizes that are compiled; the largest that fits what is due is taken
MAX_WAITING = 64  # windows of one session that may wait: 2.6 s; offline callers wait for their futures


_numbers = itertools.count()  # sessions are told apart for ever, other than by id()


@dataclass(frozen=True, kw_only=True)
class FaceMotion:
    """What the generator's head says about one frame: its arrays, without the batch."""

    index: int
    outputs: Arrays


@dataclass(kw_only=True)
class _Request:
    """A window to push (index None: a flushing zero window), and who waits for what comes out."""

    index: int | None
    mfcc: NDArray[np.float32]
    done: Future[list[FaceMotion]]


class EngineSession:
    """One stream through the engine. Windows go in in order; each future holds the frames that became complete: none or one."""

    def __init__(self, engine: "Engine", identity: Arrays) -> None:
        self._engine = engine
        self._number = next(_numbers)
        self._identity = identity
        self._state = engine.runner.initial_state(1)
        self._waiting: deque[_Request] = deque()
        self._unfinished: deque[int] = deque()  # frames pushed whose outputs are not out yet
        self._pushed = 0
        self._end = FOREVER
        self._closed = False

    def submit(self, window: Window) -> Future[list[FaceMotion]]:
        """Queues one window.

        Raises CapacityError where MAX_WAITING windows wait already: the caller drops this frame and goes on.
        """
        return self._engine._enqueue(self, window.index, window.mfcc)

    def finish(self) -> Future[list[FaceMotion]]:
        """Ends the stream; the future holds the last `lookahead` frames."""
        rest: Future[list[FaceMotion]] = Future()
        frames: list[FaceMotion] = []
        lookahead = self._engine.spec.lookahead_frames
        silence = np.zeros((N_MFCC, WINDOW_HOPS), np.float32)
        self._engine._end(self)
        parts = [self._engine._enqueue(self, None, silence) for _ in range(lookahead)]

        def collect(part: Future[list[FaceMotion]]) -> None:
            if part.cancelled() or part.exception():
                rest.cancel()
                return
            frames.extend(part.result())
            if part is parts[-1]:
                rest.set_result(frames)

        if not parts:
            rest.set_result([])
        for part in parts:
            part.add_done_callback(collect)
        return rest

    def close(self) -> None:
        """Leaves the engine; what still waits is cancelled."""
        self._engine._leave(self)


class Engine:
    """Batches sessions into as few steps as possible. A context manager: it runs from `with` to the end of the block."""

    def __init__(self, runner: Runner, *, max_batch: int = 8, max_sessions: int = 64) -> None:
        self.runner = runner
        self._batches = [size for size in BATCHES if size <= max_batch]
        self._max_sessions = max_sessions
        self._sessions: list[EngineSession] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._running = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._batch_identity: tuple[tuple[int, ...], Arrays] = ((), {})

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
        for call in self._calls:  # somebody waits for them
            call()
        for session in list(self._sessions):
            session.close()

    def open(self, crop: NDArray[np.uint8]) -> EngineSession:
        """A session for a portrait's crop [112, 112, 4]; the identity is prepared on the worker.

        Raises CapacityError.
        """
        prepared: Future[Arrays] = Future()

        def prepare() -> None:
            try:
                prepared.set_result(self.runner.prepare(crop))
            except Exception as error:
                prepared.set_exception(error)

        with self._wake:
            if not self._running:
                raise CapacityError("the engine has stopped: it takes no session")
            if len(self._sessions) >= self._max_sessions:
                raise CapacityError(f"all {self._max_sessions} places of the engine are taken: try again later")
            self._calls.append(prepare)
            self._wake.notify()
        session = EngineSession(self, prepared.result())
        with self._wake:
            self._sessions.append(session)
        return session

    def _enqueue(self, session: EngineSession, index: int | None, mfcc: NDArray[np.float32]) -> Future[list[FaceMotion]]:
        done: Future[list[FaceMotion]] = Future()
        with self._wake:
            if session._closed or len(session._waiting) >= MAX_WAITING:
                why = "the session is closed" if session._closed else f"{MAX_WAITING} windows wait already"
                raise CapacityError(f"the engine takes no window: {why}")
            session._waiting.append(_Request(index=index, mfcc=mfcc, done=done))
            if index is not None:
                session._pushed += 1
            self._wake.notify()
        return done

    def _end(self, session: EngineSession) -> None:
        with self._wake:
            session._end = session._pushed

    def _leave(self, session: EngineSession) -> None:
        with self._wake:
            session._closed = True
            waiting, session._waiting = list(session._waiting), deque()
            if session in self._sessions:
                self._sessions.remove(session)
        for request in waiting:
            request.done.cancel()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._calls or self._due() or not self._running)
                if not self._running:
                    return
                call = self._calls.popleft() if self._calls else None
                due = [] if call else self._batch(self._due())
                requests = [session._waiting.popleft() for session in due]
                # those that were served go to the back: nobody starves when more are due than fit one batch
                self._sessions.sort(key=lambda session: session in due)
            if call:
                call()
            elif requests:
                self._serve(due, requests)

    def _batch(self, due: list["EngineSession"]) -> list["EngineSession"]:
        """The largest compiled batch that can be filled now; the rest is served right after it."""
        return due[: max((size for size in self._batches if size <= len(due)), default=0)]

    def _due(self) -> list[EngineSession]:
        return [session for session in self._sessions if session._waiting]

    def _serve(self, sessions: list[EngineSession], requests: list[_Request]) -> None:
        """One step for one window of each session."""
        try:
            outputs = self._step(sessions, requests)
        except Exception as error:  # the sessions of this batch learn of it; the worker and the others go on
            for request in requests:
                _resolve(request.done, error)
            return
        for row, (session, request) in enumerate(zip(sessions, requests, strict=True)):
            if request.index is not None:
                session._unfinished.append(request.index)
            complete = []
            if int(session._state["position"][0]) > self.spec.lookahead_frames and session._unfinished:
                one = {name: value[row] for name, value in outputs.items()}
                complete.append(FaceMotion(index=session._unfinished.popleft(), outputs=one))
            _resolve(request.done, complete)

    def _step(self, sessions: list[EngineSession], requests: list[_Request]) -> Arrays:
        window = np.stack([request.mfcc for request in requests])
        # a session's end only counts once its flushing windows are being pushed
        ends = [s._end if r.index is None else FOREVER for s, r in zip(sessions, requests, strict=True)]
        state = {name: np.concatenate([s._state[name] for s in sessions]) for name in self.spec.state}
        outputs, after = self.runner.step(self._identities(sessions), window, np.array(ends, np.int64), state)
        for row, session in enumerate(sessions):
            session._state = {name: value[row : row + 1] for name, value in after.items()}
        return outputs

    def _identities(self, sessions: list[EngineSession]) -> Arrays:
        """The batch's identity arrays; they are the largest inputs, so those of the last batch are kept."""
        names = tuple(session._number for session in sessions)
        if names != self._batch_identity[0]:
            joined = {name: np.concatenate([s._identity[name] for s in sessions]) for name in self.spec.identity}
            self._batch_identity = (names, joined)
        return self._batch_identity[1]


def _resolve(future: Future[list[FaceMotion]], result: list[FaceMotion] | Exception) -> None:
    """Answers a future unless its session was closed meanwhile."""
    try:
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    except InvalidStateError:
        pass
