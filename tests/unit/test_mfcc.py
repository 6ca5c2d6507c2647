"""Streaming MFCC against python_speech_features on the whole sound: any portions, any length, and controls that must differ."""

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from python_speech_features import mfcc as reference_mfcc

from realtime.audio import SAMPLE_RATE_HZ, read_audio_file
from realtime.features.mfcc import N_FFT, WINDOW_SAMPLES, StreamingMfcc, cepstrum
from realtime.model_spec import N_MFCC

PORTIONS = [1, 7, 160, 333, 1024, 10**9]
SHORT = [1, 100, 159, 160, 399, 400, 401, 559, 560, 561, 720, 1000]
NOISE = np.random.default_rng(5).integers(-8000, 8000, 2000).astype(np.int16)


def reference(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    return np.asarray(reference_mfcc(pcm.astype(np.float64), SAMPLE_RATE_HZ)[:, 1:])


def streamed(mfcc: StreamingMfcc, pcm: NDArray[np.int16], portion: int) -> NDArray[np.float64]:
    starts = range(0, len(pcm), min(portion, len(pcm)))
    return np.concatenate([*(mfcc.push(pcm[start : start + portion]) for start in starts), mfcc.flush()])


@pytest.fixture(scope="module")
def sentence(speech_pcm16k: NDArray[np.int16]) -> NDArray[np.int16]:
    """Silence, then the beginning of a sentence: 1.2 s."""
    return speech_pcm16k[16_000:35_200]


@pytest.mark.parametrize("portion", PORTIONS)
def test_speech_in_any_portions_equals_the_reference(sentence: NDArray[np.int16], portion: int) -> None:
    np.testing.assert_allclose(streamed(StreamingMfcc(), sentence, portion), reference(sentence), rtol=0, atol=1e-6)


@pytest.mark.parametrize("portion", [7, 160, 10**9])
def test_a_real_voice_in_a_real_room_equals_the_reference(grid_root: Path, portion: int) -> None:
    pcm = read_audio_file(grid_root / "s1" / "bbaf2n.mkv")
    np.testing.assert_allclose(streamed(StreamingMfcc(), pcm, portion), reference(pcm), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_samples", SHORT)
@pytest.mark.parametrize("portion", PORTIONS)
def test_short_sounds_are_padded_as_the_reference_pads_them(n_samples: int, portion: int) -> None:
    pcm = NOISE[:n_samples]
    np.testing.assert_allclose(streamed(StreamingMfcc(), pcm, portion), reference(pcm), rtol=0, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, len(NOISE)), max_size=30))
def test_uneven_and_empty_portions_equal_the_reference(cuts: list[int]) -> None:
    mfcc = StreamingMfcc()
    rows = [mfcc.push(portion) for portion in np.split(NOISE, sorted(cuts))]
    np.testing.assert_allclose(np.concatenate([*rows, mfcc.flush()]), reference(NOISE), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 400, 3200])
def test_digital_silence_is_zero(n_samples: int) -> None:
    pcm = np.zeros(n_samples, np.int16)
    rows = streamed(StreamingMfcc(), pcm, 160)
    np.testing.assert_allclose(rows, reference(pcm), rtol=0, atol=1e-6)
    np.testing.assert_allclose(rows, 0, atol=1e-9)


def test_full_scale_equals_the_reference() -> None:
    square = np.where(np.arange(4000) // 37 % 2, 32767, -32768).astype(np.int16)
    np.testing.assert_allclose(streamed(StreamingMfcc(), square, 333), reference(square), rtol=0, atol=1e-6)


def test_a_hop_is_given_with_its_last_sample_and_not_before() -> None:
    mfcc = StreamingMfcc()
    assert mfcc.push(NOISE[: WINDOW_SAMPLES - 1]).shape == (0, N_MFCC)
    assert mfcc.push(NOISE[WINDOW_SAMPLES - 1 : WINDOW_SAMPLES]).shape == (1, N_MFCC)


def test_no_sound_has_no_hops() -> None:
    mfcc = StreamingMfcc()
    assert mfcc.push(np.zeros(0, np.int16)).shape == (0, N_MFCC)
    assert mfcc.flush().shape == (0, N_MFCC)


def test_a_flush_begins_a_new_sound(sentence: NDArray[np.int16]) -> None:
    mfcc = StreamingMfcc()
    streamed(mfcc, NOISE, 333)
    np.testing.assert_array_equal(streamed(mfcc, sentence, 1024), streamed(StreamingMfcc(), sentence, 1024))


def test_what_is_kept_does_not_grow() -> None:
    mfcc = StreamingMfcc()
    for _ in range(200):
        mfcc.push(NOISE)
    assert len(mfcc._pending) < WINDOW_SAMPLES


def test_the_filters_are_the_reference_s_own() -> None:
    """One spectrum through the exported step alone, so that a difference names the filters and not the framing."""
    power = np.abs(np.fft.rfft(np.pad(NOISE[:400] * 1.0, (0, N_FFT - 400))))[None] ** 2 / N_FFT
    expected = reference_mfcc(NOISE[:400] * 1.0, SAMPLE_RATE_HZ, preemph=0)[:, 1:]
    np.testing.assert_allclose(cepstrum(power), expected, rtol=0, atol=1e-6)


class ForgetsLastSample(StreamingMfcc):
    """A control: each portion is pre-emphasised as if silence went before it."""

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        self._last = 0.0
        return super().push(pcm)


class ForgetsOverlap(StreamingMfcc):
    """A control: the 15 ms that two windows share are lost between portions; zeros stand for them."""

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        self._pending = np.zeros_like(self._pending)
        return super().push(pcm)


@pytest.mark.parametrize("broken", [ForgetsLastSample, ForgetsOverlap])
def test_controls_lost_state_is_seen(sentence: NDArray[np.int16], broken: type[StreamingMfcc]) -> None:
    rows = streamed(broken(), sentence, 333)
    assert rows.shape == reference(sentence).shape
    assert np.abs(rows - reference(sentence)).max() > 0.1


def test_control_the_fixture_is_what_a_wav_reader_gives(speech_pcm16k: NDArray[np.int16]) -> None:
    """The reference's scale: samples as they stand in the file, undivided."""
    with wave.open(str(Path(__file__).parents[1] / "fixtures" / "speech.wav")) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    np.testing.assert_array_equal(speech_pcm16k, raw)
