"""Sound of any rate and container: the same samples however it is cut, in time, undistorted, and refused in words."""

import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ, MonoResampler, read_audio_file
from realtime.errors import AudioError

RATES_HZ = [8_000, 22_050, 44_100, 48_000, 96_000]
PORTIONS = [1, 7, 160, 333, 960, 1024, 10**9]
HELD_MS = 2.0  # the most that the filter may keep back of sound at a microphone's rates


def tone(rate_hz: int, tone_hz: float = 440.0, seconds: float = 0.5) -> NDArray[np.int16]:
    return (8000 * np.sin(2 * np.pi * tone_hz * np.arange(int(rate_hz * seconds)) / rate_hz)).round().astype(np.int16)


def resampled(pcm: NDArray[np.int16], rate_hz: int, portion: int) -> NDArray[np.int16]:
    resampler = MonoResampler()
    starts = range(0, len(pcm), min(portion, len(pcm)))
    return np.concatenate([*(resampler.push(pcm[start : start + portion], rate_hz) for start in starts), resampler.flush()])


def write_wav(path: Path, pcm: NDArray[np.int16], rate_hz: int) -> Path:
    """pcm: [n] or [n, channels]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())
    return path


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("portion", PORTIONS)
def test_the_cut_does_not_change_a_sample(rate_hz: int, portion: int) -> None:
    pcm = np.random.default_rng(3).integers(-9000, 9000, 2400).astype(np.int16)
    np.testing.assert_array_equal(resampled(pcm, rate_hz, portion), resampled(pcm, rate_hz, len(pcm)))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_stays_the_same_tone_at_the_same_time(rate_hz: int) -> None:
    """Sample by sample against the tone made at 16 kHz: a filter that delayed it by one sample would be off by 1370."""
    pcm = resampled(tone(rate_hz), rate_hz, rate_hz // 50)
    assert abs(len(pcm) - SAMPLE_RATE_HZ // 2) <= 1
    inner = slice(100, len(pcm) - 100)
    assert np.abs(pcm.astype(int) - tone(SAMPLE_RATE_HZ)[: len(pcm)])[inner].max() < 5


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_hardly_any_sound_is_kept_back(rate_hz: int) -> None:
    resampler = MonoResampler()
    out = 0
    for heard in range(1, 26):
        out += len(resampler.push(tone(rate_hz, seconds=0.02), rate_hz))
        assert 20 * heard - 1000 * out / SAMPLE_RATE_HZ <= HELD_MS


def test_what_16_khz_cannot_carry_is_removed_and_not_folded_back() -> None:
    pcm = resampled(tone(48_000, tone_hz=11_000), 48_000, 960)
    assert np.abs(pcm[100:-100]).max() < 30
    folded = tone(48_000, tone_hz=11_000)[::3]  # a control: every third sample
    assert np.abs(folded).max() > 7000


def test_16_khz_passes_unchanged() -> None:
    np.testing.assert_array_equal(resampled(tone(16_000), 16_000, 320), tone(16_000))


def test_a_change_of_rate_loses_nothing() -> None:
    resampler = MonoResampler()
    parts = [resampler.push(tone(rate_hz), rate_hz) for rate_hz in (48_000, 16_000, 44_100, 48_000)]
    assert abs(sum(map(len, [*parts, resampler.flush()])) - 4 * SAMPLE_RATE_HZ // 2) <= 4


def test_nothing_in_nothing_out() -> None:
    resampler = MonoResampler()
    assert len(resampler.push(np.zeros(0, np.int16), 48_000)) == 0
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize(
    ("pcm", "rate_hz", "words"),
    [
        (np.zeros(160, np.float32), 48_000, "float32"),
        (np.zeros((1, 160), np.int16), 48_000, r"\(1, 160\)"),
        (np.zeros(160, np.int16), 0, "0 Hz"),
        (np.zeros(160, np.int16), 400_000, "400000 Hz"),
    ],
)
def test_wrong_sound_is_refused_and_the_message_says_what_came(pcm: NDArray[np.int16], rate_hz: int, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        MonoResampler().push(pcm, rate_hz)


def test_a_stereo_file_of_another_rate_is_read_as_one_channel(tmp_path: Path) -> None:
    stereo = np.stack([tone(44_100), tone(44_100)], axis=1)
    pcm = read_audio_file(write_wav(tmp_path / "stereo.wav", stereo, 44_100))
    assert pcm.dtype == np.int16
    assert np.abs(pcm.astype(int) - tone(SAMPLE_RATE_HZ)[: len(pcm)])[100:-100].max() < 5


def test_both_channels_are_heard(tmp_path: Path) -> None:
    silent = np.zeros_like(tone(48_000))
    left = read_audio_file(write_wav(tmp_path / "left.wav", np.stack([tone(48_000), silent], axis=1), 48_000))
    right = read_audio_file(write_wav(tmp_path / "right.wav", np.stack([silent, tone(48_000)], axis=1), 48_000))
    assert np.abs(left).max() > 3000
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("clip", ["ua/brbk7n.mpg", "s1/bbaf2n.mkv"])
def test_grid_films_are_read_whichever_their_format(grid_root: Path, clip: str) -> None:
    """MPEG-1 with MP2 at 44.1 kHz stereo; Matroska with FLAC at 16 kHz mono."""
    pcm = read_audio_file(grid_root / clip)
    assert 2.8 < len(pcm) / SAMPLE_RATE_HZ < 3.2
    assert 300 < pcm.astype(float).std() < 10_000


def test_what_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("no sound at all")
    for path in (text, tmp_path / "missing.wav", tmp_path):
        with pytest.raises(AudioError, match=path.name):
            read_audio_file(path)


def test_a_picture_has_no_sound(tmp_path: Path) -> None:
    picture = tmp_path / "portrait.png"
    cv2.imwrite(str(picture), np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(AudioError, match=r"portrait\.png"):
        read_audio_file(picture)
