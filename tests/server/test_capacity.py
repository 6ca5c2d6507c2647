"""`facewire bench capacity` as a user runs it, for one and two calls: every figure is there."""

import json
from pathlib import Path

import pytest

import facewire
from server.bench import capacity


@pytest.mark.timeout(400)  # two programs start, on a machine that may be busy
def test_a_short_climb_says_what_a_core_carries_and_what_a_picture_costs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "MOST_CALLS", 2)
    path = tmp_path / "capacity.json"
    words = ["bench", "capacity", "--cores", "1", "--size", "256", "--seconds", "2"]
    words += ["--json", str(path), "--record", str(tmp_path)]
    assert facewire.main(words) == 0
    found = json.loads(path.read_text())
    (run,) = found["runs"]
    assert found["sessions_per_core"] == run["sessions"] <= 2
    assert (found["cpu_ms_per_frame"] is None) == (run["sessions"] == 0)
    assert all(level["cpu_ms_per_frame"] > 0 and level["cpu_percent_a_session"] > 0 for level in run["levels"])
    assert run["server_start_s"] > 0
    said = capfd.readouterr()
    assert "| cores | size | calls |" in said.out
    assert "1 calls: p95 late by" in said.err
    assert list(tmp_path.glob("*-capacity.md"))
