"""The built-in model, from the checkpoint that lies beside it, on every target that this machine can execute.

`export` proves each folder against the generator in float64 before it leaves it; the runners are asked here.
"""

from pathlib import Path

import pytest
import torch

from export import material, parity
from export.half_checkpoint import halve
from realtime.errors import ModelError
from realtime.model_spec import read_manifest, sha256
from realtime.runners.runner import load_runner
from realtime.weights import default_checkpoint, default_model
from tests.model_folders import write_checkpoint
from tests.streaming.exported_default import EXPORTED, Exported
from tests.streaming.narrow import narrow_generator
from training import checkpoint as checkpoints


def test_the_model_was_exported_from_the_checkpoint_beside_it() -> None:
    assert read_manifest(default_model()).origin["checkpoint"]["sha256"] == sha256(default_checkpoint())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", EXPORTED)
def test_a_target_says_what_the_built_in_model_says(exported_default: Exported, target: str) -> None:
    """Within what storing OpenVINO's weights in half precision costs: one network, two runtimes."""
    folder = exported_default(target)
    spec = read_manifest(folder)
    assert spec.target == target
    assert max(spec.origin["parity"]["float32"].values()) < parity.FLOAT_LIMIT
    assert spec.origin["parity"]["steps"] >= parity.LEAST_STEPS
    streams = [material.streams(spec.window_offset_hops)[2]]
    wanted = {one.frame: one.outputs for one in parity.play(load_runner(default_model()), streams, 1)}
    found = {one.frame: one.outputs for one in parity.play(load_runner(folder, target), streams, 1)}
    assert found.keys() == wanted.keys()
    for frame, outputs in wanted.items():
        assert abs(found[frame]["flow"] - outputs["flow"]).max() < 0.5  # crop pixels
        assert abs(found[frame]["mouth"] - outputs["mouth"]).max() < 0.1


def test_a_run_does_not_go_on_from_half_its_precision(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "checkpoint.pt", narrow_generator("live"))
    proof = halve(source, tmp_path / "half.pt")
    kept, half = checkpoints.load(source), checkpoints.load(tmp_path / "half.pt")
    assert {value.dtype for value in half.weights.values() if value.is_floating_point()} == {torch.float16}
    assert half.recipe == {**kept.recipe, "halved_from": sha256(source)}
    assert not half.training
    assert proof.visible["half"].psnr_db > 40


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    generator = narrow_generator("live")
    with torch.no_grad():
        generator.mfcc_mean += 7e4
    source = write_checkpoint(tmp_path / "checkpoint.pt", generator)
    with pytest.raises(ModelError, match=r"mfcc_mean.*up to 65504 was expected"):
        halve(source, tmp_path / "half.pt")
    assert not (tmp_path / "half.pt").exists()
