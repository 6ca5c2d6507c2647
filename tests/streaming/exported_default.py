"""The built-in model on other targets than OpenVINO, each exported once for all tests, through the command."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

import facewire
from export import parity
from realtime.runners.runner import Arrays

EXPORTED = {"onnx": ("onnxruntime", "onnx"), "torch": (), "aotinductor": ()}
"""Target: packages that it needs."""
BATCHES = {"onnx": "1,8"}  # the others: 1
Exported = Callable[[str], Path]


def exporter(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Target → its model folder; the test is skipped where the target cannot be executed here. What all are proven against, the
    built-in model in float64, is reckoned once."""
    offline, reference = parity.offline, dict[bytes, Arrays]()

    def once(generator: nn.Module, portrait: NDArray[np.uint8], windows: NDArray[np.float32]) -> Arrays:
        key = portrait.tobytes() + windows.tobytes()
        if key not in reference:
            reference[key] = offline(generator, portrait, windows)
        return reference[key]

    @cache
    def export(target: str) -> Path:
        for package in EXPORTED[target]:
            pytest.importorskip(package)
        if target == "aotinductor" and shutil.which("g++") is None:
            pytest.skip("no g++")
        folder = tmp_path_factory.mktemp(target) / "model"
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(parity, "offline", once)
            assert facewire.main(["export", "default", str(folder), "--to", target, "--batch", BATCHES.get(target, "1")]) == 0
        return folder

    return export
