"""The built-in model in every precision that it comes with, run here as its processor would, and an 8-bit export made anew."""

from pathlib import Path

import numpy as np
import pytest

from export import export as exporting
from export import material, parity, picture_parity
from export.openvino_target import demand_int8
from export.picture_parity import Viewer
from realtime.errors import ModelError
from realtime.model_spec import read_manifest
from realtime.runners.openvino_runner import OpenVinoRunner
from realtime.runners.runner import Arrays
from realtime.weights import default_model
from tests.model_folders import write_checkpoint
from tests.streaming.narrow import narrow_generator


def test_the_built_in_model_comes_in_three_precisions() -> None:
    spec = read_manifest(default_model())
    assert spec.precisions == ["f32", "bf16", "int8"]
    assert {"step.bin", "step_int8.bin"} <= set(spec.files)
    for precision in spec.precisions:
        found = spec.origin["parity"][precision]
        assert found["psnr_db"] >= picture_parity.PSNR_LIMIT_DB
        assert found["opening"] >= picture_parity.OPENING_LIMIT


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_a_precision_shows_what_float32_shows(precision: str) -> None:
    """On a processor without bf16 the hint is left untaken, and the pictures are the same ones."""
    streams = [material.streams(-22)[2]]
    reference = [_played(OpenVinoRunner(default_model(), precision="f32"), streams)]
    found = Viewer(reference, streams, "flow").compare(OpenVinoRunner(default_model(), precision=precision), 1)
    picture_parity.demand(found, precision, Path("model"))
    assert found.opening is not None


def test_int8_multiplies_in_8_bits() -> None:
    """And the check of exports sees where none does."""
    runner = OpenVinoRunner(default_model(), precision="int8")
    kernels = [kernel for _, _, kernel in runner.executed(1)]
    eight = [kernel for kernel in kernels if kernel.endswith(("i8", "I8", "u8", "U8"))]
    assert len(eight) == 15, kernels  # the head's convolutions, and a product that enlarges the flow
    demand_int8(runner)
    with pytest.raises(ModelError, match=r"none of \d+ layers in 8 bits"):
        demand_int8(OpenVinoRunner(default_model(), precision="f32"))


@pytest.mark.timeout(600)
def test_an_8_bit_export_is_calibrated_proven_and_loaded(tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason='pip install "facewire[int8]"')
    checkpoint = write_checkpoint(tmp_path / "checkpoint.pt", narrow_generator("live"))
    exporting.export(checkpoint, "openvino-int8", tmp_path / "model")
    spec = read_manifest(tmp_path / "model")
    assert "int8" in spec.precisions
    assert OpenVinoRunner(tmp_path / "model", precision="int8").spec.target == "openvino-int8"


def _played(runner: OpenVinoRunner, streams: list[material.Stream]) -> Arrays:
    """What a runner draws of the first stream, name → [T, ...]."""
    frames = {drawn.frame: drawn.outputs for drawn in parity.play(runner, streams, 1)}
    return {name: np.stack([frames[i][name] for i in range(len(frames))]) for name in frames[0]}
