"""The engine: whatever runs beside it, a session gets its own frames, all of them, in order; and nothing waits for ever."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.batching import FaceMotion
from realtime.engine import Engine
from realtime.engine_session import MAX_WAITING, EngineSession
from realtime.errors import CapacityError, ConfigError
from realtime.features.windows import Window
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.runners.runner import FOREVER, Runner, load_runner
from tests.model_folders import offline_outputs, random_crop, random_windows, with_lookahead, write_openvino, write_torch
from tests.streaming.narrow import narrow_generator
from tests.unit.held_runner import PATIENCE_S, HeldRunner

Played = list[FaceMotion]
KINDS = {"torch": (write_torch, 1e-5), "openvino": (write_openvino, 1e-4)}
SPOILT = np.full((12, 28), np.nan, np.float32)


@pytest.fixture(scope="module")
def generator() -> TcsanGenerator:
    return narrow_generator("live")


@pytest.fixture(scope="module")
def folder(generator: TcsanGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch(tmp_path_factory.mktemp("torch") / "model", generator)


@pytest.fixture
def runner(folder: Path) -> HeldRunner:
    return HeldRunner(load_runner(folder, "torch"))


@pytest.fixture
def engine(runner: HeldRunner) -> Iterator[Engine]:
    with Engine(runner, max_sessions=9) as running:
        yield running
        runner.go.set()


@pytest.fixture
def in_background() -> Iterator[Callable[..., Future]]:
    with ThreadPoolExecutor(16) as pool:
        yield pool.submit


@pytest.fixture(autouse=True)
def nothing_is_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No thread outlives its engine, no callback fails unseen."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "engine"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def result(future: Future[Played]) -> Played:
    return future.result(PATIENCE_S)


def submit_all(session: EngineSession, windows: list[Window]) -> list[Future[Played]]:
    return [session.submit(window) for window in windows]


def all_of(futures: list[Future[Played]]) -> Played:
    return [motion for future in futures for motion in result(future)]


def play(engine: Engine, crop: NDArray[np.uint8], windows: list[Window]) -> Played:
    """A whole session."""
    session = engine.open(crop)
    futures = [*submit_all(session, windows), session.finish()]
    motions = all_of(futures)
    session.close()
    return motions


def assert_offline(
    motions: Played, generator: TcsanGenerator, crop: NDArray[np.uint8], windows: list[Window], near: float
) -> None:
    assert [motion.index for motion in motions] == [window.index for window in windows]
    if windows:
        wanted = offline_outputs(generator, crop, windows)
        for name, value in wanted.items():
            np.testing.assert_allclose(np.stack([motion.outputs[name] for motion in motions]), value, rtol=0, atol=near)


def held_together(engine: Engine, runner: HeldRunner, sessions: int) -> list[EngineSession]:
    """Opens sessions and holds the worker in the step of one more, so that what is submitted next comes at once."""
    opened = [engine.open(random_crop(seed)) for seed in range(sessions)]
    plug = engine.open(random_crop(99))
    runner.hold()
    plug.submit(random_windows(99, 1)[0])
    assert runner.holding.wait(PATIENCE_S)
    runner.batches.clear()
    return opened


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_in_threads_each_get_what_the_generator_says_offline(
    kind: str, generator: TcsanGenerator, tmp_path: Path, in_background: Callable[..., Future[Played]]
) -> None:
    write, near = KINDS[kind]
    lengths = [0, 1, 2, 3, 20, 21]
    crops = [random_crop(i) for i in range(len(lengths))]
    streams = [random_windows(i, n) for i, n in enumerate(lengths)]
    with Engine(load_runner(write(tmp_path / "model", generator), kind), max_batch=2) as engine:
        played = [in_background(play, engine, crop, windows) for crop, windows in zip(crops, streams, strict=True)]
        for future, crop, windows in zip(played, crops, streams, strict=True):
            assert_offline(result(future), generator, crop, windows, near)
        assert engine.n_sessions == 0


def test_another_sessions_windows_would_be_seen(generator: TcsanGenerator, engine: Engine) -> None:
    """The control: with other windows, another face, or one frame late, the same comparison fails."""
    crop, windows = random_crop(0), random_windows(0, 8)
    motions = play(engine, crop, windows)
    assert_offline(motions, generator, crop, windows, 1e-5)
    late = [FaceMotion(index=motion.index, outputs=motions[max(0, i - 1)].outputs) for i, motion in enumerate(motions)]
    for other in [(motions, random_crop(1), windows), (motions, crop, random_windows(1, 8)), (late, crop, windows)]:
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_offline(other[0], generator, other[1], other[2], 1e-5)


@pytest.mark.parametrize("lookahead", [0, 1, 5])
def test_streams_end_whatever_the_lookahead(generator: TcsanGenerator, tmp_path: Path, lookahead: int) -> None:
    other = with_lookahead(generator, lookahead)
    with Engine(load_runner(write_torch(tmp_path / "model", other), "torch")) as engine:
        for n_frames in (0, 1, 5, 12):
            windows = random_windows(n_frames, n_frames)
            assert_offline(play(engine, random_crop(0), windows), other, random_crop(0), windows, 1e-5)


def test_sessions_come_and_go_while_others_run(
    generator: TcsanGenerator, engine: Engine, in_background: Callable[..., Future]
) -> None:
    windows = random_windows(5, 60)

    def restless(seed: int) -> None:
        for i in range(6):
            if i % 2:
                session = engine.open(random_crop(seed))
                submit_all(session, random_windows(seed, 4))
                session.close()
            else:
                short = random_windows(seed + i, 3)
                assert_offline(play(engine, random_crop(seed), short), generator, random_crop(seed), short, 1e-5)

    others = [in_background(restless, seed) for seed in (11, 12, 13)]
    steady = in_background(play, engine, random_crop(5), windows)
    assert_offline(result(steady), generator, random_crop(5), windows, 1e-5)
    for other in others:
        other.result(PATIENCE_S)


def test_what_is_due_together_is_drawn_together_in_compiled_sizes_and_nobody_starves(
    generator: TcsanGenerator, engine: Engine, runner: HeldRunner
) -> None:
    sessions = held_together(engine, runner, 7)
    streams = [random_windows(i, 5) for i in range(7)]
    order: list[int] = []

    def served(i: int, _: Future[Played]) -> None:
        order.append(i)

    futures = []
    for i, (session, windows) in enumerate(zip(sessions, streams, strict=True)):
        futures.append(submit_all(session, windows))
        for future in futures[-1]:
            future.add_done_callback(partial(served, i))
        futures[-1].append(session.finish())
    runner.go.set()
    for i, (own, windows) in enumerate(zip(futures, streams, strict=True)):
        assert_offline(all_of(own), generator, random_crop(i), windows, 1e-5)
    assert set(runner.batches) <= {1, 2, 4, 8}
    assert runner.batches.count(4) >= 5
    for n in range(1, len(order) + 1):
        counts = [order[:n].count(i) for i in range(7)]
        assert max(counts) - min(counts) <= 2, order[:n]


def test_a_window_that_fails_is_left_out_and_hurts_no_other_session(
    generator: TcsanGenerator, engine: Engine, runner: HeldRunner
) -> None:
    sessions = held_together(engine, runner, 4)
    streams = [random_windows(i, 9) for i in range(4)]
    streams[1][4] = Window(index=4, mfcc=SPOILT, voiced=True)
    streams[2][0] = Window(index=0, mfcc=np.zeros((3, 3), np.float32), voiced=True)
    futures = [submit_all(session, windows) for session, windows in zip(sessions, streams, strict=True)]
    rest = [session.finish() for session in sessions]
    runner.go.set()
    with pytest.raises(ArithmeticError, match="cannot be heard"):
        result(futures[1].pop(4))
    with pytest.raises(RuntimeError, match="must match the size"):
        result(futures[2].pop(0))
    del streams[1][4], streams[2][0]
    for i in range(4):
        assert_offline(all_of([*futures[i], rest[i]]), generator, random_crop(i), streams[i], 1e-5)
    assert 4 in runner.batches


def test_a_failure_while_the_last_frames_are_drawn_is_told(engine: Engine, runner: HeldRunner) -> None:
    """Told, not swallowed; and what comes after it answers nothing twice."""
    failing = iter([True])
    runner.fails = lambda _, end: bool((end < FOREVER).any()) and next(failing, False)
    session = engine.open(random_crop(0))
    assert len(all_of(submit_all(session, random_windows(0, 3)))) == 2
    with pytest.raises(ArithmeticError, match="cannot be heard"):
        result(session.finish())
    assert [motion.index for motion in play(engine, random_crop(1), random_windows(1, 3))] == [0, 1, 2]


def test_at_most_so_many_windows_wait_and_the_end_always_fits(
    generator: TcsanGenerator, engine: Engine, runner: HeldRunner
) -> None:
    (session,) = held_together(engine, runner, 1)
    windows = random_windows(0, MAX_WAITING)
    futures = submit_all(session, windows)
    with pytest.raises(CapacityError, match=f"{MAX_WAITING} windows wait already"):
        session.submit(windows[0])
    rest = session.finish()
    runner.go.set()
    assert_offline(all_of([*futures, rest]), generator, random_crop(0), windows, 1e-5)


def test_a_dropped_window_leaves_the_others_their_numbers(generator: TcsanGenerator, engine: Engine) -> None:
    windows = [window for window in random_windows(0, 12) if window.index not in (0, 5, 6)]
    assert_offline(play(engine, random_crop(0), windows), generator, random_crop(0), windows, 1e-5)


def test_a_stream_ends_once(engine: Engine) -> None:
    session = engine.open(random_crop(0))
    window = random_windows(0, 1)[0]
    session.submit(window)
    assert [motion.index for motion in result(session.finish())] == [0]
    for again in (lambda: session.submit(window), session.finish):
        with pytest.raises(CapacityError, match="the stream has ended"):
            again()
    session.close()
    session.close()
    for again in (lambda: session.submit(window), session.finish):
        with pytest.raises(CapacityError, match="the session is closed"):
            again()


def test_closing_cancels_what_waits(generator: TcsanGenerator, engine: Engine, runner: HeldRunner) -> None:
    closing, other = held_together(engine, runner, 2)
    futures = [*submit_all(closing, random_windows(0, 3)), closing.finish()]
    windows = random_windows(1, 4)
    others = [*submit_all(other, windows), other.finish()]
    closing.close()
    assert all(future.cancelled() for future in futures)
    runner.go.set()
    assert_offline(all_of(others), generator, random_crop(1), windows, 1e-5)


def test_a_caller_may_cancel_what_it_waits_for(generator: TcsanGenerator, engine: Engine, runner: HeldRunner) -> None:
    """The window is drawn all the same: the frames after it need it."""
    (session,) = held_together(engine, runner, 1)
    windows = random_windows(0, 6)
    futures = submit_all(session, windows)
    assert futures.pop(3).cancel()
    runner.go.set()
    motions = all_of([*futures, session.finish()])
    wanted = offline_outputs(generator, random_crop(0), windows)["flow"]
    assert [motion.index for motion in motions] == [0, 1, 3, 4, 5]
    for motion in motions:
        np.testing.assert_allclose(motion.outputs["flow"], wanted[motion.index], rtol=0, atol=1e-5)


def test_there_are_so_many_places_however_many_come_at_once(
    engine: Engine, runner: HeldRunner, in_background: Callable[..., Future]
) -> None:
    runner.hold()
    opening = [in_background(engine.open, random_crop(i)) for i in range(14)]
    assert runner.holding.wait(PATIENCE_S)
    runner.go.set()
    errors = [error for future in opening if (error := future.exception(PATIENCE_S)) is not None]
    assert len(errors) == 14 - 9
    assert all(isinstance(error, CapacityError) and "all 9 places" in str(error) for error in errors)
    assert engine.n_sessions == 9
    for future in opening:
        if future.exception() is None:
            future.result().close()
    assert engine.n_sessions == 0
    engine.open(random_crop(0))


def test_a_portrait_that_fails_takes_no_place(engine: Engine) -> None:
    for _ in range(10):
        with pytest.raises(ValueError, match="no crop"):
            engine.open(np.zeros((3, 3, 3), np.uint8))
    assert engine.n_sessions == 0


def test_the_next_session_is_not_drawn_with_the_last_ones_face(
    generator: TcsanGenerator, engine: Engine, runner: HeldRunner
) -> None:
    """Batches of as many sessions, one of them another: the joined identities must be joined again."""
    first, stays = held_together(engine, runner, 2)
    windows = random_windows(1, 8)
    futures = [*submit_all(first, windows[:1]), *submit_all(stays, windows[:4])]
    runner.go.set()
    all_of(futures)
    first.close()
    crop, fresh = random_crop(77), random_windows(77, 4)
    second = engine.open(crop)
    moved = all_of(futures[1:])
    moved += all_of([*submit_all(stays, windows[4:]), stays.finish()])
    assert_offline(moved, generator, random_crop(1), windows, 1e-5)
    assert_offline(all_of([*submit_all(second, fresh), second.finish()]), generator, crop, fresh, 1e-5)


def test_callbacks_on_the_worker_may_open_submit_and_close(generator: TcsanGenerator, engine: Engine, runner: HeldRunner) -> None:
    (first,) = held_together(engine, runner, 1)
    windows, crop = random_windows(8, 1), random_crop(8)
    answered: Future[Played] = Future()

    def hand_over(session: EngineSession, rest: Future[Played]) -> None:
        session.close()
        answered.set_result(rest.result())

    def chain(_: Future[Played]) -> None:
        session = engine.open(crop)
        session.submit(windows[0])
        session.finish().add_done_callback(partial(hand_over, session))

    first.submit(windows[0]).add_done_callback(chain)
    runner.go.set()
    assert_offline(result(answered), generator, crop, windows, 1e-5)


def test_leaving_the_engine_leaves_nobody_waiting(folder: Path, in_background: Callable[..., Future]) -> None:
    runner = HeldRunner(load_runner(folder, "torch"))
    engine = Engine(runner).__enter__()
    (session,) = held_together(engine, runner, 1)
    waiting = [*submit_all(session, random_windows(0, 3)), session.finish()]
    opening = [in_background(engine.open, random_crop(i)) for i in range(3)]
    while engine.n_sessions < 5:
        threading.Event().wait(0.001)
    leaving = in_background(engine.__exit__, None, None, None)
    while engine._running:
        threading.Event().wait(0.001)
    runner.go.set()
    leaving.result(PATIENCE_S)
    assert all(future.cancelled() for future in waiting)
    for future in opening:
        with pytest.raises(CapacityError, match="the engine has stopped"):
            future.result(PATIENCE_S)
    assert engine.n_sessions == 0
    with pytest.raises(CapacityError, match="the engine has stopped"):
        engine.open(random_crop(0))
    with pytest.raises(CapacityError, match="the session is closed"):
        session.submit(random_windows(0, 1)[0])
    with pytest.raises(CancelledError):
        waiting[0].result(0)


def test_an_engine_that_was_not_started_takes_nobody(runner: Runner) -> None:
    with pytest.raises(CapacityError, match="the engine has stopped"):
        Engine(runner).open(random_crop(0))


def test_batches_of_none_are_refused(runner: Runner) -> None:
    with pytest.raises(ConfigError, match="1 or more was expected"):
        Engine(runner, max_batch=0)
