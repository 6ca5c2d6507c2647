"""`facewire bench generator --device`: really run on the processor, on a small generator; refused where there is no GPU."""

import json
from pathlib import Path

import pytest
import torch

import facewire
from tests.model_folders import write_openvino, write_torch
from tests.streaming.narrow import narrow_generator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch(tmp_path_factory.mktemp("speed") / "model", narrow_generator("live"))


def test_the_step_is_measured_against_its_floor(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    words = ["bench", "generator", "--model", str(folder), "--device", "cpu", "--json", str(figures)]
    assert facewire.main(words) == 0
    found = json.loads(figures.read_text())
    assert [(step["runner"], step["batch"]) for step in found["steps"]] == [("eager", 1), ("eager", 4), ("eager", 8)]
    assert all(step["of_the_floor"] >= 1 for step in found["steps"])
    assert found["steps"][2]["floor_ms"] > found["steps"][0]["floor_ms"] > 0
    assert found["floor"]["flops"] > 1e6
    assert "times the floor" in capfd.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA GPU")
def test_no_gpu_is_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert facewire.main(["bench", "generator", "--model", str(folder), "--device", "cuda"]) == 2
    assert "facewire bench: no GPU: torch" in capfd.readouterr().err


def test_a_folder_without_torch_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = write_openvino(tmp_path / "model", narrow_generator("live"))
    assert facewire.main(["bench", "generator", "--model", str(other), "--device", "cpu"]) == 2
    assert "was exported for openvino: --device measures folders exported to torch" in capfd.readouterr().err
    assert facewire.main(["bench", "generator", "--device", "cpu"]) == 2
    assert "name it with --model" in capfd.readouterr().err
