"""`facewire bench latency` as a user runs it, for seconds: every figure is there, and a bad network shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.server_process import ROOT


def test_the_delay_of_a_call_clean_and_over_a_bad_network(tmp_path: Path) -> None:
    if os.environ.get("FACEWIRE_SKIP_BROWSER") == "1":
        pytest.skip("FACEWIRE_SKIP_BROWSER=1")
    file = tmp_path / "latency.json"
    command = [sys.executable, "-m", "facewire", "bench", "latency", "--size", "256", "--seconds", "8", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    clean, lossy = found["networks"]["clean"], found["networks"]["lossy"]
    for figures in (found, clean, lossy):
        for name in ("mic_to_mouth_ms", "mic_to_voice_ms", "first_frame_ms"):
            assert 0 < figures[name]["p50"] <= figures[name]["p95"] <= figures[name]["p99"]
        assert figures["skew_ms"]["p95_abs"] >= 0
        stages = dict(figures["budget_ms"])
        assert stages.pop("in all") == pytest.approx(sum(stages.values()), abs=0.1)
    assert found["mic_to_mouth_ms"] == clean["mic_to_mouth_ms"]
    assert clean["mic_to_mouth_ms"]["p50"] > found["configuration"]["future_ms"]
    assert lossy["mic_to_voice_ms"]["p50"] > clean["mic_to_voice_ms"]["p50"] + 60, "80 ms there and back"
    assert "Over 40 ms each way" in done.stdout


def test_a_network_that_there_is_not() -> None:
    command = [sys.executable, "-m", "facewire", "bench", "latency", "--networks", "clean,awful"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "awful: of clean, lossy, slow was expected" in done.stderr
