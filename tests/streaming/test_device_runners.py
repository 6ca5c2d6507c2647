"""The runners on torch: a state that stays on the device, batches filled up, packages built ahead; what needs a GPU is refused.

On a processor the same code runs without CUDA graphs and pinned memory; the tests marked `gpu` run the rest where there is one.
"""

import json
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import facewire
from export import aotinductor_target, material, parity, picture_parity, tensorrt_target
from export import export as exporting
from export.picture_parity import Viewer
from realtime.engine import Engine
from realtime.errors import ConfigError, ModelError
from realtime.features.windows import Window
from realtime.model_spec import MANIFEST, read_manifest, write_manifest
from realtime.runners.device_array import DeviceArray
from realtime.runners.device_runner import DeviceRunner
from realtime.runners.fallback import first_that_works
from realtime.runners.package_runner import AotInductorRunner, built_for
from realtime.runners.runner import FOREVER, Arrays, Runner, load_runner
from tests.model_folders import random_crop, write_checkpoint, write_torch
from tests.streaming.narrow import narrow_generator

gpu = pytest.mark.gpu
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA GPU")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch(tmp_path_factory.mktemp("device") / "model", narrow_generator("live"))


@pytest.fixture(scope="module")
def streams() -> list[material.Stream]:
    """Without the longest: these tests look at the runner, the gate's own look at the gate."""
    return material.streams(-22)[1:]


@pytest.fixture(scope="module")
def reference(streams: list[material.Stream]) -> list[Arrays]:
    generator = narrow_generator("live")
    return [parity.offline(generator, stream.portrait.crop, stream.windows) for stream in streams]


devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=gpu)])


def exact(folder: Path, device: str, *, graphs: bool = True) -> DeviceRunner:
    """In float32, nowhere rounded."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return DeviceRunner(folder, device=device, dtype=torch.float32, graphs=graphs)


@devices
@pytest.mark.parametrize("batch", [1, 3])  # a size that there is, and one that is filled up
def test_the_runner_is_the_generator(
    folder: Path, streams: list[material.Stream], reference: list[Arrays], batch: int, device: str
) -> None:
    found = parity.compare(reference, exact(folder, device), streams, batch)
    parity.demand(found, folder)


def test_bfloat16_shows_the_same(folder: Path, streams: list[material.Stream], reference: list[Arrays]) -> None:
    runner = DeviceRunner(folder, device="cpu", dtype=torch.bfloat16)
    assert max(parity.compare(reference, runner, streams[:2], 2).largest.values()) > 1e-5  # it does round
    picture_parity.demand(Viewer(reference[:2], streams[:2], "flow").compare(runner, 2), "bf16", folder)


@devices
def test_the_engine_joins_and_parts_what_stays_on_the_device(folder: Path, device: str) -> None:
    """Two sessions through the engine get what the reference runner gives each alone. The engine's thread runs what this one
    made ready."""
    made = exact(folder, device)
    made.compile(2)
    rng = np.random.default_rng(0)
    heard = rng.standard_normal((2, 9, 12, 28)).astype(np.float32)
    found: dict[str, list[list[np.ndarray]]] = {}
    for name, runner in (("device", made), ("reference", load_runner(folder, "torch"))):
        with Engine(runner) as engine:
            sessions = [engine.open(random_crop(i)) for i in range(2)]
            futures = [
                [s.submit(Window(index=t, mfcc=heard[i, t], voiced=True)) for i, s in enumerate(sessions)] for t in range(9)
            ]
            found[name] = [[m.outputs["flow"] for row in futures for m in row[i].result(30)] for i in range(2)]
    for mine, wanted in zip(found["device"], found["reference"], strict=True):
        assert len(mine) == len(wanted) == 8
        np.testing.assert_allclose(np.stack(mine), np.stack(wanted), atol=1e-5)


@devices
def test_a_state_is_never_written_into(folder: Path, device: str) -> None:
    """A step that is made twice from one state says the same twice: where a batch fails, each session is tried again alone."""
    runner = exact(folder, device)
    identity, end = runner.prepare(random_crop(0)), np.full(1, FOREVER, np.int64)
    window = np.random.default_rng(1).standard_normal((3, 1, 12, 28)).astype(np.float32)
    _, state = runner.step(identity, window[0], end, runner.initial_state(1))
    kept = {name: np.array(value) for name, value in state.items()}
    once, _ = runner.step(identity, window[1], end, state)
    runner.step(identity, window[2], end, state)
    twice, _ = runner.step(identity, window[1], end, state)
    for name, value in kept.items():
        np.testing.assert_array_equal(value, np.array(state[name]))
    np.testing.assert_array_equal(once["flow"], twice["flow"])


def test_a_device_array_refuses_what_it_cannot() -> None:
    array = DeviceArray(torch.zeros(2, 3))
    joined: Any = np.concatenate([array, array])
    assert type(joined) is DeviceArray
    assert len(joined[1:3]) == 2
    with pytest.raises(TypeError, match="stack was asked of an array on a device"):
        np.stack([array, array])


def test_a_batch_that_no_size_holds_is_run_in_parts(
    folder: Path, tmp_path: Path, streams: list[material.Stream], reference: list[Arrays]
) -> None:
    small = shutil.copytree(folder, tmp_path / "model")
    write_manifest(replace(read_manifest(small), batches=[1, 2]), small)
    parity.demand(parity.compare(reference, DeviceRunner(small, device="cpu"), streams, 5), small)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("aotinductor")
    checkpoint = write_checkpoint(made / "checkpoint.pt", narrow_generator("live"))
    exporting.export(checkpoint, "aotinductor", made / "model", batches=(2,))
    return made / "model"


@pytest.mark.timeout(600)  # a compiler works
def test_packages_are_proven_and_loaded_by_their_folder(packages: Path) -> None:
    runner = load_runner(packages)
    assert type(runner).__name__ == "AotInductorRunner"
    assert runner.spec.origin["parity"]["steps"] >= parity.LEAST_STEPS
    assert max(runner.spec.origin["parity"]["float32"].values()) <= parity.FLOAT_LIMIT


@pytest.mark.timeout(600)
def test_packages_of_another_machine_are_refused(packages: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(packages, tmp_path / "model")
    values = json.loads((copy / MANIFEST).read_text())
    values["origin"]["built_for"]["processor"] = "a toaster"
    (copy / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"built for another machine .*a toaster.*export the checkpoint on this one"):
        load_runner(copy)


def test_no_compiler_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"needs a C\+\+ compiler"):
        aotinductor_target.demand_compiler()


@no_gpu
@pytest.mark.parametrize(
    ("name", "words"), [("cuda", "no GPU: torch"), ("tensorrt", "no GPU: torch"), ("aotinductor", "no AOTInductor")]
)
def test_runners_that_cannot_run_here_say_why(folder: Path, name: str, words: str) -> None:
    with pytest.raises((ConfigError, ModelError), match=words):
        load_runner(folder, name)


@no_gpu
def test_tensorrt_is_refused_in_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint.pt", narrow_generator("live"))
    assert facewire.main(["export", str(checkpoint), str(tmp_path / "model"), "--to", "tensorrt"]) == 2
    assert "facewire export: no GPU: torch" in capfd.readouterr().err
    assert not (tmp_path / "model").exists()


def test_engines_are_kept_by_gpu_version_and_graph() -> None:
    keys = [
        ("NVIDIA H200", "2.13.0", "g"),
        ("NVIDIA L4", "2.13.0", "g"),
        ("NVIDIA H200", "2.14.0", "g"),
        ("NVIDIA H200", "2.13.0", "h"),
    ]
    names = [tensorrt_target.cache_key(*key) for key in keys]
    assert len(set(names)) == 4
    assert names[0].startswith("NVIDIA-H200_2.13.0_")


@gpu
@pytest.mark.parametrize("graphs", [False, True])
def test_on_a_gpu_bfloat16_shows_the_same(
    folder: Path, streams: list[material.Stream], reference: list[Arrays], graphs: bool
) -> None:
    runner = DeviceRunner(folder, graphs=graphs)
    picture_parity.demand(Viewer(reference, streams, "flow").compare(runner, 5), "bf16", folder)


@gpu
def test_a_graph_says_what_the_step_says(folder: Path) -> None:
    heard = np.random.default_rng(2).standard_normal((5, 3, 12, 28)).astype(np.float32)
    graph, plain = (_stepped(exact(folder, "cuda", graphs=graphs), heard) for graphs in (True, False))
    np.testing.assert_allclose(graph, plain, atol=1e-5)


@gpu
def test_runners_capture_and_run_beside_each_other(folder: Path) -> None:
    """Each in a thread of its own, at sizes of its own."""
    heard = [np.random.default_rng(i).standard_normal((30, 1 + i, 12, 28)).astype(np.float32) for i in range(3)]
    alone = [_stepped(exact(folder, "cuda"), windows) for windows in heard]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda windows: _stepped(exact(folder, "cuda"), windows), heard))
    for found, wanted in zip(together, alone, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def _stepped(runner: DeviceRunner, heard: np.ndarray) -> np.ndarray:
    """The flow of each step of windows [T, B, 12, 28]."""
    count = heard.shape[1]
    identity = {name: np.concatenate([value] * count) for name, value in runner.prepare(random_crop(0)).items()}
    state, end, flows = runner.initial_state(count), np.full(count, FOREVER, np.int64), []
    for window in heard:
        outputs, state = runner.step(identity, window, end, state)
        flows.append(outputs["flow"])
    return np.stack(flows)


@gpu
def test_tensorrt_falls_back_with_the_reason(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert type(load_runner(folder, "tensorrt")) is DeviceRunner
    assert "TensorRT cannot run" in caplog.text
    assert "torch with CUDA graphs runs instead" in caplog.text


def test_a_way_that_cannot_run_is_passed_over_with_the_reason(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another machine's packages, then a package that is spoilt, then the generator itself."""
    foreign = shutil.copytree(folder, tmp_path / "foreign")
    (foreign / "step_2.pt2").write_bytes(b"no package")
    spec = replace(read_manifest(folder), target="aotinductor", batches=[2])
    write_manifest(replace(spec, origin={"built_for": {"device": "cpu", "processor": "a toaster"}}), foreign)
    here = replace(spec, origin={"built_for": built_for("cpu")})

    def spoilt(folder: Path) -> AotInductorRunner:
        write_manifest(here, folder)
        return AotInductorRunner(folder)

    ways: dict[str, Callable[[Path], Runner]] = {
        "one": AotInductorRunner,
        "two": spoilt,
        "three": partial(DeviceRunner, device="cpu"),
    }
    with caplog.at_level(logging.WARNING):
        assert type(first_that_works(foreign, ways)) is DeviceRunner
    told = [record.getMessage() for record in caplog.records if record.name == "realtime.runners.fallback"]
    assert len(told) == 2
    assert "one cannot run" in told[0]
    assert "a toaster" in told[0]
    assert "two runs instead" in told[0]
    assert "no package that torch can load" in told[1]
    with pytest.raises(ModelError, match="no package that torch can load"):
        first_that_works(foreign, {"three": spoilt})
