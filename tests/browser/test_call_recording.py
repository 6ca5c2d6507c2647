"""The measuring itself: known skews are found, and a mouth that follows nothing is told from one that follows the voice."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.browser.call_recording import FRAME_MS, CallRecording, Series, loudness, offset_ms, speech_and_silence
from tests.browser.microphone_file import speech

SAMPLES_PER_MS = 16


@pytest.fixture(scope="module")
def pcm() -> NDArray[np.int16]:
    return speech("fixture")


def envelope(pcm: NDArray[np.int16], at_ms: Series) -> Series:
    """A mouth that opens with the loudness of the sound."""
    times_ms, level = loudness(pcm)
    opened: Series = np.interp(at_ms, times_ms, np.convolve(level, np.ones(8) / 8, "same"))
    return opened


@pytest.mark.parametrize("late_ms", [-73.0, 0.0, 30.0, 215.0])
def test_a_known_delay_is_found_to_five_milliseconds(pcm: NDArray[np.int16], late_ms: float) -> None:
    rng = np.random.default_rng(1)
    reference_ms = np.arange(0.0, len(pcm) / SAMPLES_PER_MS, FRAME_MS)
    reference = envelope(pcm, reference_ms)
    shown_ms = np.arange(1200.0, 9000.0, FRAME_MS) + rng.uniform(-4, 4, 195)
    seen = envelope(pcm, shown_ms - late_ms) + 0.02 * reference.max() * rng.standard_normal(195)
    assert offset_ms(shown_ms, seen, reference_ms, reference, step_ms=10) == pytest.approx(late_ms, abs=5)


def test_a_course_that_fits_nowhere_is_refused(pcm: NDArray[np.int16]) -> None:
    reference_ms = np.arange(0.0, len(pcm) / SAMPLES_PER_MS, FRAME_MS)
    noise = np.random.default_rng(2).standard_normal(195)
    with pytest.raises(ValueError, match="does not fit"):
        offset_ms(FRAME_MS * np.arange(195.0), noise, reference_ms, envelope(pcm, reference_ms), step_ms=10)


def test_movement_is_told_from_rest(pcm: NDArray[np.int16]) -> None:
    shown_ms = np.arange(0.0, len(pcm) / SAMPLES_PER_MS, FRAME_MS)
    heard_ms, level = loudness(pcm)
    pattern = np.random.default_rng(3).uniform(-1, 1, (32, 48))
    patches = 100 + 200 * envelope(pcm, shown_ms)[:, None, None] * pattern
    recording = CallRecording(shown_ms=shown_ms, patches=patches.astype(np.float32), heard_ms=heard_ms, loudness=level)
    speaking, silent = speech_and_silence(heard_ms, level, shown_ms)
    assert speaking.sum() > 100
    assert silent.sum() > 15
    assert not (speaking & silent).any()
    motion = recording.motion()
    assert motion[speaking[1:]].mean() > 3 * motion[silent[1:]].mean()
    assert recording.opening(silent)[speaking].mean() > recording.opening(silent)[silent].mean()
