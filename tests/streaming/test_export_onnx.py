"""The ONNX export: the generator to 1e-4, every shape fixed, weights once for all batch sizes, refused where it is spoilt."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from export import export as exporting
from export import material, parity
from export.commands.export import batch_sizes
from realtime.errors import ConfigError, ModelError
from realtime.model_spec import read_manifest
from realtime.runners.runner import FOREVER, load_runner
from tests.streaming.narrow import narrow_generator
from tests.streaming.test_export_and_engine import _checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow `live` generator, exported for one and for three sessions."""
    made = tmp_path_factory.mktemp("onnx")
    exporting.export(_checkpoint(made / "checkpoint.pt"), "onnx", made / "model", batches=(1, 3))
    return made / "model"


def test_the_graphs_are_the_generator(folder: Path) -> None:
    streams = material.streams(-22)[1:]
    reference = [parity.offline(narrow_generator("live"), stream.portrait.crop, stream.windows) for stream in streams]
    for sessions in (2, 5):  # one filled up, two in parts; the export itself has proven the sizes there are
        found = parity.compare(reference, load_runner(folder), streams, sessions)
        assert max(found.largest.values()) < parity.FLOAT_LIMIT
    assert read_manifest(folder).origin["parity"]["float32"]["flow"] < parity.FLOAT_LIMIT


def test_every_shape_is_fixed_and_weights_are_stored_once(folder: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    for batch in (1, 3):
        graph = onnx.load(folder / f"step_{batch}.onnx", load_external_data=False).graph
        dimensions = [d for port in (*graph.input, *graph.output) for d in port.type.tensor_type.shape.dim]
        assert all(d.dim_value > 0 for d in dimensions)
        assert graph.input[0].type.tensor_type.shape.dim[0].dim_value == batch
        assert sizes[f"step_{batch}.onnx"] < sizes["step.data"]
        onnx.checker.check_model(str(folder / f"step_{batch}.onnx"))


@pytest.mark.parametrize("name", ["step_1.onnx", "step.data", "prepare.onnx"])
def test_a_spoilt_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    (copy / name).write_bytes((copy / name).read_bytes()[:-7])
    with pytest.raises(ModelError, match=f"{name} is not the file that the manifest names"):
        load_runner(copy, "onnx")


def test_a_folder_for_another_runner_is_refused(tmp_path: Path) -> None:
    exporting.export(_checkpoint(tmp_path / "checkpoint.pt"), "torch", tmp_path / "model")
    with pytest.raises(ModelError, match="`--to onnx` was expected"):
        load_runner(tmp_path / "model", "onnx")


def test_sessions_in_one_batch_do_not_touch_each_other(folder: Path) -> None:
    """What fills a batch up is nobody's: one session's step says the same in any company."""
    runner = load_runner(folder, "onnx")
    rng = np.random.default_rng(1)
    identity = runner.prepare(rng.integers(0, 256, (112, 112, 4), dtype=np.uint8))
    window, end = rng.standard_normal((1, 12, 28)).astype(np.float32), np.full(1, FOREVER, np.int64)
    alone, _ = runner.step(identity, window, end, runner.initial_state(1))
    pair = {name: np.concatenate([value, value * 0]) for name, value in identity.items()}
    both, _ = runner.step(pair, np.concatenate([window, window * 9]), np.repeat(end, 2), runner.initial_state(2))
    for name, value in alone.items():
        np.testing.assert_allclose(both[name][:1], value, atol=1e-5)


@pytest.mark.parametrize("text", ["", "0", "1,x", "1,300", "-4"])
def test_batch_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="numbers from 1 to 256"):
        batch_sizes(text)
