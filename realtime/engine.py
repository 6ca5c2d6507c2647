"""One worker thread owns the model and draws for all sessions that are due, together."""

import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from realtime.answers import answer
from realtime.batching import BatchedStep, Request, StepTimes, Stream
from realtime.clock import Clock, MonotonicClock
from realtime.deadlines import BatchPlanner, Plan, urgency
from realtime.engine_session import MAX_WAITING, EngineSession
from realtime.errors import CapacityError, ConfigError
from realtime.model_spec import ModelSpec
from realtime.priority import yield_to_sound
from realtime.runners.runner import Runner

BATCHES = (1, 2, 4, 8)  # sizes that are compiled; the largest that fits what is due is taken


class Engine:
    """Batches sessions into as few steps as possible. A context manager: it runs from `with` to the end of the block.

    busy_s: processor time that its worker has used. Raises ConfigError for batches of none.
    """

    def __init__(self, runner: Runner, *, max_batch: int = 8, max_sessions: int = 64, clock: Clock | None = None) -> None:
        if max_batch < 1:
            raise ConfigError(f"batches of at most {max_batch} sessions draw nothing: 1 or more was expected")
        self.runner = runner
        self._step = BatchedStep(runner)
        self.clock = clock or MonotonicClock()
        self.busy_s = 0.0
        self._planner = BatchPlanner([size for size in BATCHES if size <= max_batch])
        self._sleeps_until_s = math.inf  # the worker, where nobody wakes it
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
            answer(self._portraits.popleft()[-1], _stopped())
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
            self._wake_where_needed()

    def _leave(self, session: EngineSession) -> None:
        with self._wake:
            session._refusal = "the session is closed"
            waiting, session._waiting = session._waiting, deque()
            if session in self._sessions:
                self._sessions.remove(session)
        for request in waiting:
            request.done.cancel()

    def _work(self) -> None:
        yield_to_sound()
        while self._running:
            with self._wake:
                late = self._outdated()
                due, wait_s = ([], None) if self._portraits else self._due()
                requests = [session._waiting.popleft() for session in due]
                if not late and not due and not self._portraits and self._running:
                    self._sleep(wait_s)
            for request in late:
                answer(request.done, [])
            if due:
                self._serve([session._stream for session in due], requests)
            elif self._portraits:
                self._prepare()
            self.busy_s = time.thread_time()

    def _waiting(self) -> list[EngineSession]:
        return [session for session in self._sessions if session._waiting]

    def _outdated(self) -> list[Request]:
        """Leaves out what cannot be ready in time."""
        now_s = self.clock.now()
        late = []
        for session in self._waiting():
            gone = self._planner.outdated(session._waiting, now_s, session._lost_in_a_row)
            session._lost_in_a_row += len(gone)
            session.left_out += len(gone)
            late += gone
        return late

    def _due(self) -> tuple[list[EngineSession], float | None]:
        """The sessions whose oldest windows are to be drawn now; where there are none, for how long none will be as it stands."""
        waiting = sorted(self._waiting(), key=lambda session: urgency(session._waiting[0], session._lost_in_a_row))
        plan = self._plan(waiting)
        due = waiting[: plan.take]
        for session in due:
            session._lost_in_a_row = 0
        # those that were served go to the back: nobody starves where more are in a hurry than fit one batch
        self._sessions.sort(key=lambda session: session in due)
        return due, plan.wait_s

    def _plan(self, waiting: list[EngineSession]) -> Plan:
        return self._planner.plan([session._waiting[0] for session in waiting], len(self._sessions), self.clock.now())

    def _sleep(self, wait_s: float | None) -> None:
        self._sleeps_until_s = math.inf if wait_s is None else self.clock.now() + wait_s
        self._wake.wait(wait_s)
        self._sleeps_until_s = -math.inf

    def _wake_where_needed(self) -> None:
        """After a window came: wakes the worker where it is to draw now, or earlier than it thought."""
        plan = self._plan(self._waiting())
        if plan.take or (plan.wait_s is not None and self.clock.now() + plan.wait_s < self._sleeps_until_s):
            self._wake.notify()

    def _prepare(self) -> None:
        """Looks at the portrait that has waited longest."""
        session, crop, ready = self._portraits.popleft()
        try:
            identity, state = self.runner.prepare(crop), self.runner.initial_state(1)
            session._stream = Stream(identity, state, self.spec.lookahead_frames)
            answer(ready, None)
        except Exception as error:
            answer(ready, error)

    def _serve(self, streams: list[Stream], requests: list[Request]) -> None:
        """One step for one window of each stream. Where it fails each is tried alone: one session's fault is nobody else's."""
        begun_s = self.clock.now()
        try:
            moved = self._step(streams, requests)
        except Exception as error:
            if len(streams) == 1:
                answer(requests[0].done, error)
                return
            for stream, request in zip(streams, requests, strict=True):
                self._serve([stream], [request])
            return
        done_s = self.clock.now()
        self._planner.measured(len(streams), done_s - begun_s)
        for request, motions in zip(requests, moved, strict=True):
            times = StepTimes(submitted_s=request.submitted_s, begun_s=begun_s, done_s=done_s, batch=len(streams))
            answer(request.done, [replace(motion, times=times) for motion in motions])


def _stopped() -> CapacityError:
    return CapacityError("the engine has stopped: it takes no session")
