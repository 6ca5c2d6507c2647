"""`facewire bench generator --device`: really run on the processor, on a small generator; refused where there is no GPU."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import facewire
from realtime.model_spec import read_manifest, write_manifest
from server.bench import step_speed
from tests.model_folders import write_torch
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


def test_precisions_stand_side_by_side(
    folder: Path, narrow_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    both, figures = shutil.copytree(narrow_folder, tmp_path / "model"), tmp_path / "figures.json"
    write_manifest(replace(read_manifest(both), precisions=["f32", "bf16"]), both)
    assert facewire.main(["bench", "generator", "--precisions", "--model", str(both), "--json", str(figures)]) == 0
    found = json.loads(figures.read_text())
    assert all(set(ms) == {"f32", "bf16"} and min(ms.values()) > 0 for ms in found["step_processor_ms"].values())
    assert list(found["step_processor_ms"]) == ["1", "4", "8"]
    assert set(found["kernels"]["f32"]) == {"f32"}
    assert "| batch | f32 ms | bf16 ms | bf16 / f32 |" in capfd.readouterr().out
    assert facewire.main(["bench", "generator", "--precisions", "--model", str(folder)]) == 2
    assert "was exported for torch: --precisions measures folders exported to openvino" in capfd.readouterr().err


def test_folders_of_one_device_become_one_record() -> None:
    """A way that several folders have is taken from the first, the table goes by batch."""
    floor = {"flops": 1, "weight_bytes": 1, "session_bytes": 1, "flops_per_s": 1.0, "bytes_per_s": 1.0}
    wall = {"p50": 1.0, "p95": 2.0, "p99": 3.0}

    def measured(*steps: tuple[str, int, float]) -> dict[str, Any]:
        made = [step_speed._step(name, batch, {**wall, "p50": p50}, 0.1) for name, batch, p50 in steps]
        return {"device": "cpu", "processor": "one", "steps": made, "floor": floor}

    first = measured(("eager", 1, 4.0), ("eager", 8, 9.0))
    figures, tables = step_speed.joined([first, measured(("eager", 8, 99.0), ("AOTInductor", 8, 5.0))])
    assert [(step["batch"], step["runner"], step["step_ms"]["p50"]) for step in figures["steps"]] == [
        (1, "eager", 4.0),
        (8, "eager", 9.0),
        (8, "AOTInductor", 5.0),
    ]
    assert tables[0].count("eager") == 2


def test_packages_of_another_device_are_said(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    write_manifest(replace(read_manifest(copy), origin={"built_for": {"device": "cuda"}}), copy)
    assert facewire.main(["bench", "generator", "--model", str(copy), "--device", "cpu"]) == 2
    assert "was built for cuda, --device cpu came" in capfd.readouterr().err


def test_a_folder_without_torch_is_said(narrow_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert facewire.main(["bench", "generator", "--model", str(narrow_folder), "--device", "cpu"]) == 2
    assert "was exported for openvino: --device measures folders exported to torch" in capfd.readouterr().err
    assert facewire.main(["bench", "generator", "--device", "cpu"]) == 2
    assert "name it with --model" in capfd.readouterr().err
