"""A real runner whose steps and preparations can be held, so that tests decide what comes together."""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from realtime.model_spec import ModelSpec
from realtime.runners.runner import Arrays, Runner

PATIENCE_S = 60.0


class HeldRunner:
    """Passes everything on to a runner. Holds while `go` is cleared; keeps the batch size of each step in `batches`.

    A step fails where `fails(window, end)` says so: as it comes, on a window that is not a number.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.go = threading.Event()
        self.go.set()
        self.holding = threading.Event()
        self.batches: list[int] = []
        self.fails: Callable[[NDArray[np.float32], NDArray[np.int64]], bool] = lambda window, _: bool(np.isnan(window).any())

    @property
    def spec(self) -> ModelSpec:
        return self._runner.spec

    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        self._hold()
        if crop.shape != (112, 112, 4):
            raise ValueError("no crop")
        return self._runner.prepare(crop)

    def compile(self, batch: int) -> None:
        self._runner.compile(batch)

    def initial_state(self, batch: int) -> Arrays:
        return self._runner.initial_state(batch)

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        self._hold()
        self.batches.append(len(window))
        if self.fails(window, end):
            raise ArithmeticError("a window that cannot be heard")
        return self._runner.step(identity, window, end, state)

    def hold(self) -> None:
        self.go.clear()
        self.holding.clear()

    def _hold(self) -> None:
        self.holding.set()
        if not self.go.wait(PATIENCE_S):
            raise TimeoutError("the test never let go")
