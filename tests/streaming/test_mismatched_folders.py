"""Folders whose files are whole but do not belong together are refused when they are opened, with the reason."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.errors import ModelError
from realtime.model_spec import ModelSpec, read_manifest, write_manifest
from realtime.runners.runner import load_runner
from realtime.runners.torch_runner import WEIGHTS
from realtime.weights import default_model
from tests.model_folders import write_torch
from tests.streaming.narrow import narrow_generator

MISMATCHES = {
    "another width": (
        lambda spec: replace(spec, state={**spec.state, "block0_history": [2, 7]}),
        "step.xml does not fit its manifest .*input block0_history, output next_block0_history",
    ),
    "another type": (
        lambda spec: replace(spec, state_types={**spec.state_types, "position": "float32"}),
        "step.xml does not fit its manifest .*input position, output next_position",
    ),
    "a state too few": (
        lambda spec: replace(
            spec,
            state={name: shape for name, shape in spec.state.items() if name != "block3_history"},
            state_types={name: kind for name, kind in spec.state_types.items() if name != "block3_history"},
        ),
        "step.xml does not fit its manifest .*input block3_history",
    ),
    "another output": (
        lambda spec: replace(spec, output_shapes={**spec.output_shapes, "mouth": [3, 40, 56]}),
        "step.xml does not fit its manifest .*output mouth",
    ),
    "no graph": (lambda spec: replace(spec, target="onnx"), "holds no ONNX graphs"),
    "no runner": (lambda spec: replace(spec, target="coreml"), "no runner 'coreml'"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_a_manifest_of_another_model_is_refused(narrow_folder: Path, tmp_path: Path, name: str) -> None:
    change, words = MISMATCHES[name]
    copy = shutil.copytree(narrow_folder, tmp_path / "model")
    spec: ModelSpec = change(read_manifest(copy))
    write_manifest(spec, copy)
    with pytest.raises(Exception, match=words) as caught:
        load_runner(copy)
    assert type(caught.value).__module__ == "realtime.errors"


def test_another_models_weights_are_refused(narrow_folder: Path, tmp_path: Path) -> None:
    """Graph of one generator, weights of another: the hash says so before OpenVINO reads past their end."""
    copy = shutil.copytree(narrow_folder, tmp_path / "model")
    shutil.copy(default_model() / "step.bin", copy / "step.bin")
    with pytest.raises(ModelError, match=r"step.bin is not the file that the manifest names"):
        load_runner(copy)


def test_the_command_says_it_in_a_line(narrow_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import facewire

    copy = shutil.copytree(narrow_folder, tmp_path / "model")
    (copy / "step.bin").write_bytes((copy / "step.bin").read_bytes()[:-100])
    assert facewire.main(["serve", "--model", str(copy), "--port", "0"]) == 2
    assert "facewire serve: " in (said := capfd.readouterr().err)
    assert "step.bin is not the file that the manifest names (sha256 differs): copy it again" in said


@pytest.fixture(scope="module")
def torch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch(tmp_path_factory.mktemp("mismatched_torch") / "model", narrow_generator("live"))


def change_weights(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    kept = torch.load(path, weights_only=True)
    change(kept)
    torch.save(kept, path)


def another_generators(path: Path) -> None:
    other = narrow_generator("live gru")
    torch.save({"config": other.config.to_dict(), "weights": other.state_dict()}, path)


TORCH_MISMATCHES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no weights": (lambda path: path.write_bytes(b"none"), "weights.pt holds no generator's weights"),
    "something else": (lambda path: torch.save([1, 2], path), "weights.pt holds no generator's weights"),
    "a part": (lambda path: change_weights(path, lambda kept: kept["weights"].popitem()), "do not fit their configuration"),
    "another generator's": (another_generators, "weights.pt does not fit its manifest .*state"),
}


@pytest.mark.parametrize("name", TORCH_MISMATCHES)
def test_weights_of_something_else_are_refused(torch_folder: Path, tmp_path: Path, name: str) -> None:
    """Their hash fits: whoever wrote the manifest did not look."""
    change, words = TORCH_MISMATCHES[name]
    copy = shutil.copytree(torch_folder, tmp_path / "model")
    spec = read_manifest(copy)
    change(copy / WEIGHTS)
    write_manifest(spec, copy)
    with pytest.raises(ModelError, match=words):
        load_runner(copy)
