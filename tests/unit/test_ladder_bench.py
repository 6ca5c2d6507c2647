"""The ladder's benchmark: what it makes of what a page recorded."""

from argparse import Namespace

import pytest

from server.bench import ladder
from server.commands.benchmarks.bitrate import record_name


def test_links_are_the_longer_and_worse_the_slower_they_are() -> None:
    links = [ladder.link(rate) for rate in (1000, 256, 128, 64, 32)]
    assert [network.kbps for network in links] == [1000, 256, 128, 64, 32]
    assert [network.delay_ms for network in links] == [20, 40, 40, 80, 80]
    assert [network.loss for network in links] == [0, 0.01, 0.01, 0.02, 0.02]


def test_a_freeze_is_a_picture_that_stands_while_the_voice_is_heard() -> None:
    """Pictures every 40 ms, but for 400 ms in the middle of a burst and 600 ms of a pause."""
    shown = [t for t in range(0, 4000, 40) if not 1010 < t < 1390 and not 3010 < t < 3590]
    loud = [[t, 0.5 if 800 < t < 1600 else 0.001, 10_000.0 + t] for t in range(0, 4000, 5)]
    between = ladder._between_pictures({"sound": [[], loud], "frames": shown, "timeOrigin": 10_000.0})
    assert (between > ladder.FREEZE_MS).sum() == 1
    assert between.max() == pytest.approx(400)
    assert len(between) == pytest.approx(800 / 40 - 9, abs=2)


def test_frames_that_came_are_counted_apart_from_those_that_were_drawn() -> None:
    """A page that draws every third of 25 frames a second; in the pause none comes."""
    loud = [[t, 0.5 if 800 < t < 1600 else 0.001, 10_000.0 + t] for t in range(0, 4000, 5)]
    shown = list(range(0, 4000, 120))
    came = [[t, min(t, 1800) / 40] for t in [-240, -120, *shown]]
    taken = {"sound": [[], loud], "frames": shown, "came": came, "timeOrigin": 10_000.0}
    assert ladder._came_a_second(taken) == pytest.approx(25)
    assert ladder._came_a_second({**taken, "came": []}) is None


def test_the_table_says_what_was_reached() -> None:
    spread = {"p50": 400.0, "p95": 500.0, "p99": 510.0, "n": 9}
    found = {
        "network": "80 ms each way",
        "mic_to_mouth_ms": spread,
        "mic_to_voice_ms": spread,
        "skew_ms": {**spread, "p95_abs": 40.0},
        "pictures_a_second": 21.0,
        "came_a_second": 23.5,
        "freezes": 0,
        **ladder._ladder([[900.0, "full"], [4100.0, "motion"]]),
        **ladder._voice({"packetsLost": 5, "packetsReceived": 100}, {"packetsLost": 7, "packetsReceived": 198}),
        "wire_kbps": {"down": 25.0, "up": 16.0},
    }
    found["ssim_mouth"] = 0.98
    silent = {**found, "mic_to_mouth_ms": None, "skew_ms": None}
    _, text = ladder.tables({"32": found, "16": silent})
    assert (
        "| 32 | 80 ms each way | motion | 4.1 | 21.0 | 23.5 | 0 | 400.0 | 500.0 | 400.0 | 500.0 | 40.0 | 2.0 | 25.0 | 16.0 |"
        " 0.98 |" in text
    )
    assert "| 16 | 80 ms each way | motion | 4.1 | 21.0 | 23.5 | 0 | – | – | 400.0 | 500.0 | – | 2.0 |" in text


def test_the_links_alone_are_a_record_of_their_own() -> None:
    assert record_name(Namespace(portraits=None)) == "bitrate"
    assert record_name(Namespace(portraits=["grace-hopper"])) == "bitrate"
    assert record_name(Namespace(portraits=[])) == "links"
