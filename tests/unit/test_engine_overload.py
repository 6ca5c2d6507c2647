"""The engine on its deadlines: it gathers windows, and where there is more to draw than time, all lose alike."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.batching import FaceMotion
from realtime.engine import Engine
from realtime.engine_session import EngineSession
from realtime.features.windows import Window
from realtime.runners.runner import FOREVER, Arrays, Runner, load_runner
from tests.model_folders import random_crop, random_windows, write_torch
from tests.streaming.narrow import narrow_generator
from tests.unit.held_runner import PATIENCE_S, HeldRunner

FRAME_S = 0.04


class SlowRunner(HeldRunner):
    """A step takes 60 ms, whatever the batch: a real overload, but the same on every machine."""

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        time.sleep(0.06)
        return super().step(identity, window, end, state)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder: Path = write_torch(tmp_path_factory.mktemp("torch") / "model", narrow_generator("live"))
    warm = load_runner(folder, "torch")
    for size in (1, 2, 4) * 3:  # the first steps of a traced graph take long
        identity = {name: np.repeat(value, size, 0) for name, value in warm.prepare(random_crop(0)).items()}
        window = np.zeros((size, 12, 28), np.float32)
        warm.step(identity, window, np.full(size, FOREVER, np.int64), warm.initial_state(size))
    return warm


@pytest.fixture
def held(runner: Runner) -> HeldRunner:
    return HeldRunner(runner)


@pytest.fixture
def engine(held: HeldRunner) -> Iterator[Engine]:
    with Engine(held) as running:
        yield running


@pytest.fixture
def slow_engine(runner: Runner) -> Iterator[Engine]:
    with Engine(SlowRunner(runner), max_batch=2) as running:
        yield running


def talk(
    session: EngineSession, count: int, *, every_s: float = FRAME_S, delay_s: float = 0.2, spoil: bool = False
) -> Callable[[], list[Future]]:
    """A thread that submits windows, each needed `delay_s` after it came; what it returns waits for its end."""
    futures: list[Future[list[FaceMotion]]] = []

    def run() -> None:
        windows = random_windows(1, 1)
        began_s = time.monotonic()
        for index in range(count):
            time.sleep(max(0.0, began_s + index * every_s - time.monotonic()))
            mfcc = np.full((12, 28), np.nan, np.float32) if spoil else windows[0].mfcc
            futures.append(session.submit(Window(index=index, mfcc=mfcc, voiced=True), time.monotonic() + delay_s))

    thread = threading.Thread(target=run)
    thread.start()

    def ended() -> list[Future]:
        thread.join()
        return futures

    return ended


def shown(futures: list[Future[list[FaceMotion]]]) -> list[int]:
    return [motion.index for future in futures for motion in future.result(PATIENCE_S)]


def test_windows_that_come_one_after_the_other_are_drawn_together(engine: Engine, held: HeldRunner) -> None:
    sessions = [engine.open(random_crop(seed)) for seed in range(4)]
    engine.open(random_crop(9))  # somebody who says nothing, so that others might always come
    gathered = []
    for _ in range(10):
        held.batches.clear()
        futures = []
        for session in sessions:
            futures.append(session.submit(random_windows(0, 1)[0], time.monotonic() + 1.0))
            time.sleep(0.002)
        for future in futures:
            future.result(PATIENCE_S)
        gathered.append(list(held.batches))
    assert gathered.count([4]) >= 5, gathered  # on a busy machine one may come too late


def test_when_all_are_there_nobody_waits(engine: Engine) -> None:
    sessions = [engine.open(random_crop(seed)) for seed in range(2)]
    futures = [session.submit(random_windows(0, 1)[0], time.monotonic() + 10 * PATIENCE_S) for session in sessions]
    for future in futures:
        future.result(PATIENCE_S)


def test_under_overload_all_lose_alike_and_what_is_shown_is_in_time(slow_engine: Engine) -> None:
    """Six sessions want 150 frames a second, the runner makes 33."""
    sessions = [slow_engine.open(random_crop(seed)) for seed in range(6)]
    talking = [talk(session, 100) for session in sessions]
    frames = [shown(ended()) for ended in talking]
    counts = [len(own) for own in frames]
    assert sum(counts) < 0.5 * 6 * 100  # the control: it is an overload
    assert min(counts) > 5
    assert max(counts) - min(counts) <= 0.25 * max(counts), counts
    gaps = [max(np.diff(own)) for own in frames]
    assert max(gaps) <= 3 * min(gaps), gaps
    for session, own in zip(sessions, frames, strict=True):
        assert session.left_out >= 100 - len(own) - 10
        assert own == sorted(own)


def test_a_session_that_stalls_and_one_that_sends_garbage_delay_nobody(engine: Engine) -> None:
    stalled, garbage, *good = (engine.open(random_crop(seed)) for seed in range(5))
    stalled.submit(random_windows(0, 1)[0], time.monotonic() - 100)
    spoilt = talk(garbage, 12, every_s=0.15, delay_s=3.0, spoil=True)
    talking = [talk(session, 12, every_s=0.15, delay_s=3.0) for session in good]
    lookahead = engine.spec.lookahead_frames
    assert [shown(ended()) for ended in talking] == 3 * [list(range(12 - lookahead))]
    errors = [future.exception(PATIENCE_S) for future in spoilt()]
    assert all(isinstance(error, ArithmeticError) for error in errors)
