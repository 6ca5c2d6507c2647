"""One piece of work at a time, in order, on threads that many share."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from math import ceil
from threading import Lock
from typing import Any, TypeVar

import cv2

LEAST_THREADS, MOST_THREADS = 2, 8  # with one, a picture that takes long would hold up all calls; Python runs one at a time
Result = TypeVar("Result")


def drawing_threads(cores: float) -> int:
    """How many threads compose and encode pictures, for all calls together."""
    return max(LEAST_THREADS, min(MOST_THREADS, ceil(cores)))


def one_thread_a_picture() -> None:
    """OpenCV would share each picture out to all cores, which calls share already: it is done no sooner, for half as much again
    (docs/decisions/0041-what-composing-costs.md). For the whole process."""
    cv2.setNumThreads(1)


class Strand(Executor):
    """A call's place on the shared pool: its pictures are drawn one after the other, so none overtakes another and one call
    holds one thread at most. After each piece of work the other calls have their turn."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = False
        self._lock = Lock()

    def submit(self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Raises RuntimeError where the pool was shut down."""
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((future, partial(work, *args, **kwargs)))
            begin, self._busy = not self._busy, True
        if begin:
            self._pool.submit(self._run_next)
        return future

    def _run_next(self) -> None:
        with self._lock:
            future, work = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
        with self._lock:
            more = self._busy = bool(self._waiting)
        if more:
            self._pool.submit(self._run_next)
