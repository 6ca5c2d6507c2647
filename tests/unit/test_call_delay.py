"""Delays out of what a page recorded: known ones are found again, whatever the sounds' own clocks say and however late pieces are
delivered."""

import base64

import numpy as np
import pytest
from numpy.typing import NDArray

from server.bench import call_delay
from server.bench.material import bursts

ORIGIN_MS = 1_700_000_000_000.0
VOICE_MS, PICTURE_MS = 231.0, 248.0
SECONDS = 30


@pytest.fixture(scope="module")
def pcm() -> NDArray[np.int16]:
    noise = np.random.default_rng(3).normal(0, 3000, 10 * 48_000)
    swell = 1 + 0.8 * np.sin(np.arange(len(noise)) / 3000)
    return bursts((noise * swell).astype(np.int16))


def _recorded(course: call_delay.Course, later_ms: float, own_ms: float, seed: int) -> list[list[float]]:
    """What the page's meter says of a sound: own clock begins at `own_ms`; pieces are delivered up to 30 ms late."""
    times_ms = np.arange(2.5, 1000 * SECONDS, 5.0)
    level = np.interp(times_ms - later_ms, *course)
    late_ms = np.random.default_rng(seed).uniform(0, 30, len(times_ms))
    rows: list[list[float]] = np.stack([times_ms + own_ms, level, ORIGIN_MS + times_ms + late_ms], axis=1).tolist()
    return rows


def test_known_delays_are_found_again(pcm: NDArray[np.int16]) -> None:
    times_ms, level = call_delay._loudness(np.tile(pcm, 4))
    sound = (times_ms, level)
    offline = (times_ms[::8], 40 * level[::8])
    shown_ms = np.arange(0, 1000 * SECONDS, 40.0)
    opening = np.interp(shown_ms - PICTURE_MS, *offline)
    patches = np.repeat(np.repeat(np.round(opening).astype(np.uint8)[:, None, None], 32, 1), 48, 2)
    taken = {
        "sound": [_recorded(sound, 0.0, 12_345.0, 1), _recorded(sound, VOICE_MS, -999.0, 2)],
        "frames": shown_ms.tolist(),
        "patches": base64.b64encode(patches.tobytes()).decode(),
        "timeOrigin": ORIGIN_MS,
    }
    found = call_delay.burst_delays(taken, pcm, offline)
    assert len(found) >= 10
    for delay in found:
        assert delay.voice_ms == pytest.approx(VOICE_MS, abs=3)
        assert delay.picture_ms == pytest.approx(PICTURE_MS, abs=12), "pictures are 40 ms apart"
    assert np.mean([delay.picture_ms or 0 for delay in found]) == pytest.approx(PICTURE_MS, abs=4)
