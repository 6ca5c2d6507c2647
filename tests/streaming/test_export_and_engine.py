"""Exported graphs and the engine say what the generator says offline, or are refused."""

import threading
from collections.abc import Callable
from concurrent.futures import wait
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from export import export as exporting
from export import parity
from realtime.engine import Engine
from realtime.engine_session import MAX_WAITING
from realtime.errors import CapacityError
from realtime.features.windows import Window
from realtime.model_spec import future_ms, read_manifest
from realtime.runners.runner import Arrays, load_runner
from realtime.runners.torch_runner import spec_of
from realtime.weights import default_model
from tests.streaming.narrow import SYSTEM_2, narrow_system
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint

LIVE = ("live", f"{SYSTEM_2}live")


Exported = Callable[[str], Path]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Narrow generators exported to OpenVINO, each when it is first asked for."""

    @cache
    def export(name: str) -> Path:
        made = tmp_path_factory.mktemp("exported")
        exporting.export(_checkpoint(made / "checkpoint.pt", name), "openvino", made / "model")
        return made / "model"

    return export


@pytest.fixture(scope="module")
def folder(exported: Exported) -> Path:
    """System 1's `live`."""
    return exported("live")


@pytest.mark.parametrize("name", LIVE)
def test_the_graph_is_the_generator(exported: Exported, name: str) -> None:
    found = read_manifest(exported(name)).origin["parity"]
    assert max(found["float32"].values()) < parity.FLOAT_LIMIT
    assert found["steps"] >= parity.LEAST_STEPS
    assert found["f32"]["psnr_db"] > 60


def test_future_audio_is_computed_in_one_place() -> None:
    assert future_ms(-22, 2) == 155
    assert read_manifest(default_model()).future_ms == 115
    assert {name: spec_of(narrow_system(name), "", {}).future_ms for name in (*LIVE, "paper", f"{SYSTEM_2}paper")} == {
        "live": 115,
        "paper": 765,
        f"{SYSTEM_2}live": 115,
        f"{SYSTEM_2}paper": 165,  # the centred window alone
    }


@pytest.mark.parametrize("name", LIVE)
def test_sessions_from_many_threads_get_their_own_frames(exported: Exported, name: str) -> None:
    """Five sessions of different lengths at once: each gets what it would get alone, all of it, in order."""
    folder = exported(name)
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (112, 112, 4), dtype=np.uint8) for _ in range(5)]
    windows = [rng.standard_normal((n, 12, 28)).astype(np.float32) for n in (1, 2, 5, 17, 30)]
    alone = []
    for crop, heard in zip(crops, windows, strict=True):
        with Engine(load_runner(folder), max_batch=1) as engine:
            alone.append(_play(engine, crop, heard))
    together: dict[int, list[tuple[int, Arrays]]] = {}
    with Engine(load_runner(folder)) as engine:

        def play(i: int) -> None:
            together[i] = _play(engine, crops[i], windows[i])

        threads = [threading.Thread(target=play, args=(i,)) for i in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for i in range(5):
        assert [index for index, _ in together[i]] == list(range(len(windows[i])))
        for (_, mine), (_, reference) in zip(together[i], alone[i], strict=True):
            for name, value in reference.items():
                assert np.abs(mine[name] - value).max() < 1e-4


def test_one_sessions_error_is_its_own(folder: Path) -> None:
    runner = load_runner(folder)
    honest = runner.step

    def poisoned(identity: Arrays, window: np.ndarray, end: np.ndarray, state: Arrays) -> tuple[Arrays, Arrays]:
        if np.isnan(window).any():
            raise ValueError("poison")
        return honest(identity, window, end, state)

    runner.step = poisoned  # type: ignore[method-assign]
    crop = np.zeros((112, 112, 4), np.uint8)
    with Engine(runner, max_batch=1) as engine:
        bad, good = engine.open(crop), engine.open(crop)
        failed = bad.submit(Window(index=0, mfcc=np.full((12, 28), np.nan, np.float32), voiced=True))
        fine = [good.submit(Window(index=i, mfcc=np.zeros((12, 28), np.float32), voiced=True)) for i in range(4)]
        with pytest.raises(ValueError, match="poison"):
            failed.result(10)
        assert [len(future.result(10)) for future in fine] == [0, 1, 1, 1]


def test_the_engine_is_bounded(folder: Path) -> None:
    crop = np.zeros((112, 112, 4), np.uint8)
    window = Window(index=0, mfcc=np.zeros((12, 28), np.float32), voiced=True)
    with Engine(load_runner(folder), max_sessions=1) as engine:
        session = engine.open(crop)
        with pytest.raises(CapacityError):
            engine.open(crop)
        with pytest.raises(CapacityError, match="wait already"):
            [session.submit(window) for _ in range(100 * MAX_WAITING)]
        session.close()
        with pytest.raises(CapacityError):
            session.submit(window)
        engine.open(crop).close()
    assert not [thread for thread in threading.enumerate() if thread.name == "engine"]


def _play(engine: Engine, crop: np.ndarray, heard: np.ndarray) -> list[tuple[int, Arrays]]:
    session = engine.open(crop)
    futures = [session.submit(Window(index=i, mfcc=mfcc, voiced=True)) for i, mfcc in enumerate(heard)]
    futures.append(session.finish())
    wait(futures, 30)
    session.close()
    return [(motion.index, motion.outputs) for future in futures for motion in future.result(0)]


def _checkpoint(path: Path, name: str = "live") -> Path:
    generator = narrow_system(name)
    with torch.no_grad():
        kept = Checkpoint(
            system="recurrent_gan" if name.startswith(SYSTEM_2) else "tcsan",
            config=generator.config.to_dict(),
            step=1,
            weights=generator.state_dict(),
            training={},
            recipe={},
            data={},
        )
    checkpoints.save(kept, path)
    return path
