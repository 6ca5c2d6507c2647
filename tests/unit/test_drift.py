"""A long call's course: drifts are slopes, and its record stands beside that of the short one."""

from argparse import Namespace

import pytest

from server.bench.drift import MEASURES, _drifts
from server.commands.benchmarks.latency import DEFAULT, record_name


def test_a_drift_is_what_is_gained_a_minute() -> None:
    noise = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]
    pieces = [
        {"minute": 0.5 * index, "mic_to_mouth_ms": {"p50": 260 + 3.0 * index}, "mic_to_voice_ms": {"p50": 250 - noise[index]}}
        | {"skew_ms": {"p50": 10 + 3.0 * index + noise[index]}}
        for index in range(8)
    ]
    found = _drifts(pieces)
    assert found["mouth"] == pytest.approx(6)
    assert found["voice"] == pytest.approx(0, abs=0.2)
    assert found["picture after voice"] == pytest.approx(6, abs=0.2)
    assert _drifts(pieces[:2]) == dict.fromkeys(MEASURES)


@pytest.mark.parametrize(
    ("minutes", "networks", "name"),
    [
        (None, DEFAULT, "latency"),
        (10.0, DEFAULT, "drift"),
        (10.0, "clean, lossy", "drift"),
        (10.0, "lossy", "drift-lossy"),
        (None, "clean,slow", "latency-clean-slow"),
    ],
)
def test_a_record_of_another_kind_or_of_other_networks_leaves_the_default_s(
    minutes: float | None, networks: str, name: str
) -> None:
    assert record_name(Namespace(minutes=minutes, networks=networks)) == name
