"""`make gpu`: what is done is not done again, what fails stops nothing else, and no time is spent that is not there."""

import json
import sys
import time
from pathlib import Path

import pytest
import torch

from tests import on_a_gpu
from tests.on_a_gpu import AGAIN, DONE, REFUSED, Step, run

HOUR_S = 3600.0


def says(name: str, code: str, after: str | None = None) -> Step:
    return Step(name=name, words=("-c", code), after=after)


def test_every_step_is_made_once_and_none_stops_another(tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'count')!r}, 'a').write('x')"
    steps = [
        says("fine", count),
        says("refused", "raise SystemExit(2)"),
        says("bench refused", count, after="refused"),
        says("broken", "raise ValueError('so')"),
        says("last", count, after="fine"),
    ]
    for _ in range(2):
        assert run(steps, tmp_path, time.monotonic() + HOUR_S) == []
    state = json.loads((tmp_path / "steps.json").read_text())
    assert {name: found["status"] for name, found in state.items()} == {"fine": 0, "refused": 2, "broken": 1, "last": 0}
    assert (tmp_path / "count").read_text() == "xx"
    assert "ValueError: so" in (tmp_path / "broken.log").read_text()
    run(steps, tmp_path, time.monotonic() + HOUR_S, retry=True)
    state = json.loads((tmp_path / "steps.json").read_text())
    assert [state[name]["tries"] for name in ("fine", "refused", "broken")] == [1, 2, 2]


def test_what_no_time_is_left_for_is_said_and_done_by_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [says("endless", "import time; time.sleep(99)"), says("after", "", after="endless"), says("other", "")]
    monkeypatch.setattr(on_a_gpu, "LEAST_S", 0.2)
    assert run(steps, tmp_path, time.monotonic() + 0.5) == ["endless", "after", "other"]
    assert run(steps, tmp_path, time.monotonic() + 0.5) == ["other"]  # it had its two tries
    assert run(steps, tmp_path, time.monotonic() + HOUR_S) == []
    state = json.loads((tmp_path / "steps.json").read_text())
    assert state["endless"]["status"] == on_a_gpu.TIME_UP
    assert state["other"]["status"] == DONE


def test_nothing_is_left_running(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(98.7)'])"
    assert on_a_gpu.command(("-c", code), tmp_path / "log", 2) == on_a_gpu.TIME_UP
    time.sleep(0.5)
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [words for words in running if b"time.sleep(98.7)" in words]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA GPU")
def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["make gpu", "--out", str(tmp_path / "gpu")])
    assert on_a_gpu.main() == REFUSED
    assert "make gpu: no GPU: torch" in capsys.readouterr().err
    assert not (tmp_path / "gpu").exists()


def test_a_call_that_left_steps_returns_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["make gpu", "--device", "cpu", "--out", str(tmp_path), "--minutes", "0"])
    assert on_a_gpu.main() == AGAIN
    assert "8 steps are left (export torch," in capsys.readouterr().err
    assert "not run" in (tmp_path / "README.md").read_text()
