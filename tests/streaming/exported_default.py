"""The built-in model on other targets than OpenVINO, each exported once for all tests, through the command."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import facewire

EXPORTED = {"onnx": ("onnxruntime", "onnx"), "torch": (), "aotinductor": ()}
"""Target: packages that it needs."""
BATCHES = {"onnx": "1,8"}  # the others: 1
Exported = Callable[[str], Path]


def exporter(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Target → its model folder; the test is skipped where the target cannot be executed here."""

    @cache
    def export(target: str) -> Path:
        for package in EXPORTED[target]:
            pytest.importorskip(package)
        if target == "aotinductor" and shutil.which("g++") is None:
            pytest.skip("no g++")
        folder = tmp_path_factory.mktemp(target) / "model"
        assert facewire.main(["export", "default", str(folder), "--to", target, "--batch", BATCHES.get(target, "1")]) == 0
        return folder

    return export
