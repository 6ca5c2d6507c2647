"""`facewire bench soak`: its arithmetic, and ten real seconds of it."""

import json
from pathlib import Path
from typing import Any

import pytest

import facewire
from server.bench.soak import _all_slices, _fairness, _slope_an_hour


def rates(*own: float) -> dict[str, Any]:
    return {"pictures_a_second": list(own), "seconds": 10.0}


def test_memory_grows_by_so_much_an_hour() -> None:
    assert _slope_an_hour([(second, 400 + second / 60) for second in range(600)]) == pytest.approx(60)
    assert _slope_an_hour([(second, 400 + (second % 2)) for second in range(600)]) == pytest.approx(0, abs=0.1)
    assert _slope_an_hour([(0.0, 400.0)]) is None


def test_the_worst_slice_tells_who_is_served_worse() -> None:
    assert _fairness([rates(25, 25), rates(25, 20), rates(24, 25)]) == pytest.approx(0.8)
    assert _fairness([rates(25, 25), rates(0, 25)]) == 0
    assert _fairness([rates(5, 5)]) == 1  # all alike, however badly
    assert _fairness([]) == 0
    uneven = [rates(20, 10), rates(10, 20)]
    assert _fairness(uneven) == pytest.approx(0.5)
    assert _all_slices(uneven)["pictures_a_second"] == [15, 15], "over the whole time they fared alike"


@pytest.mark.timeout(400)  # two programs start, on a machine that may be busy
def test_a_short_one_says_what_is_left(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "soak.json"
    words = ["bench", "soak", "--seconds", "10", "--calls", "3", "--size", "256", "--json", str(path)]
    assert facewire.main(words) == 0
    found = json.loads(path.read_text())
    assert found["callers_that_left"] >= 1
    assert found["callers_that_vanished"] >= 1
    assert found["refused"] == 0
    assert found["gone_after_kill_s"] is not None
    assert found["after"]["sessions"] == 0
    assert found["after"]["open_files"] <= found["before"]["open_files"] + 3
    assert [one["sessions"] >= 1 for one in found["slices"]] == [True] * len(found["slices"])
    assert 0 <= found["fairness"] <= 1
    assert "memory, MB an hour" in capfd.readouterr().out
