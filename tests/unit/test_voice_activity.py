"""Voice activity: speech is heard at once and whole; noise, clicks and silence are not; the cut does not matter."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import webrtcvad
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ, read_audio_file
from realtime.voice_activity import HOP_SAMPLES, STRICT, VoiceActivity, VoiceActivityConfig
from tests.benchmarks.voice_activity import choose_clips, levels_db, measure

PORTIONS = [1, 7, 160, 333, 1024, 10**9]
SECONDS = 10


def heard(pcm: NDArray[np.int16], config: VoiceActivityConfig | None = None) -> NDArray[np.bool_]:
    return np.array(VoiceActivity(config).push(pcm))


def noise(level_db: float, seconds: float = SECONDS, seed: int = 0) -> NDArray[np.float64]:
    """White, of this level below full scale."""
    return np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ)) * 32768 * 10 ** (level_db / 20)


def fan(level_db: float) -> NDArray[np.float64]:
    """Falls by 3 dB an octave."""
    spectrum = np.fft.rfft(noise(level_db))
    sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)))
    return np.asarray(sound * 32768 * 10 ** (level_db / 20) / sound.std())


def mains_hum(level_db: float) -> NDArray[np.float64]:
    """50 Hz and its odd harmonics over a faint noise."""
    time_s = np.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    sound = sum(np.sin(2 * np.pi * 50 * k * time_s + k) / k for k in (1, 3, 5, 7))
    return np.asarray(sound * 32768 * 10 ** (level_db / 20) + noise(-65))


def with_clicks(length: int, every: int, peak: float) -> NDArray[np.float64]:
    """A quiet room in which something clicks, `length` samples long, dying away."""
    sound = noise(-55)
    click = np.random.default_rng(1).standard_normal(length) * peak * np.exp(-np.arange(length) * 3 / length)
    for start in range(SAMPLE_RATE_HZ, len(sound) - length, every):
        sound[start : start + length] += click
    return sound


def as_pcm(sound: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(sound, -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def sentences(speech_pcm16k: NDArray[np.int16]) -> NDArray[np.int16]:
    """1.4 s of digital silence, a sentence, the pause after it."""
    return speech_pcm16k[1600 : 1600 + 5 * SAMPLE_RATE_HZ]


@pytest.mark.parametrize("portion", PORTIONS)
def test_the_cut_does_not_matter(sentences: NDArray[np.int16], portion: int) -> None:
    beginning = sentences[16_000 : 16_000 + 12_000]  # 0.4 s of silence, 0.35 s of a word
    activity = VoiceActivity()
    starts = range(0, len(beginning), min(portion, len(beginning)))
    pieces = [activity.push(beginning[start : start + portion]) for start in starts]
    assert [decision for piece in pieces for decision in piece] == heard(beginning).tolist()
    assert 0.2 < heard(beginning).mean() < 0.8


def test_one_decision_a_hop_and_none_for_less() -> None:
    activity = VoiceActivity()
    assert activity.push(np.zeros(HOP_SAMPLES - 1, np.int16)) == []
    assert activity.push(np.zeros(1, np.int16)) == [False]
    assert len(activity.push(np.zeros(HOP_SAMPLES * 5 + 3, np.int16))) == 5
    assert len(activity.push(np.zeros(HOP_SAMPLES - 3, np.int16))) == 1


def test_digital_silence_is_never_speech() -> None:
    assert not heard(np.zeros(SECONDS * SAMPLE_RATE_HZ, np.int16)).any()


@pytest.mark.parametrize("level_db", [-70, -55, -45])
@pytest.mark.parametrize("make", [noise, fan, mains_hum])
def test_a_room_s_noise_is_never_speech(make: Callable[[float], NDArray[np.float64]], level_db: float) -> None:
    assert not heard(as_pcm(make(level_db))).any()


@pytest.mark.parametrize("level_db", [-30, -20])
@pytest.mark.parametrize("make", [noise, fan, mains_hum])
def test_loud_steady_noise_is_speech_for_three_seconds_at_most(
    make: Callable[[float], NDArray[np.float64]], level_db: float
) -> None:
    assert not heard(as_pcm(make(level_db)))[325:].any()


def test_control_the_detector_alone_takes_loud_noise_for_speech_for_ever() -> None:
    detector = webrtcvad.Vad(STRICT)
    hops = as_pcm(noise(-20)).reshape(-1, HOP_SAMPLES)
    assert all(detector.is_speech(hop.tobytes(), SAMPLE_RATE_HZ) for hop in hops[325:])


def test_a_fan_that_is_switched_on_closes_the_mouth_again() -> None:
    sound = as_pcm(np.concatenate([noise(-55, 5), noise(-35, 5)]))
    assert not heard(sound)[500 + 325 :].any()


@pytest.mark.parametrize(("length", "every"), [(60, 8000), (240, 4001), (320, 2411)])
def test_clicks_and_keys_do_not_open_the_mouth(length: int, every: int) -> None:
    """4 ms twice a second; 15 ms four times; 20 ms nearly seven times a second: fast typing."""
    assert not heard(as_pcm(with_clicks(length, every, 8000))).any()


def test_control_an_onset_of_one_hop_takes_keys_for_speech() -> None:
    assert heard(as_pcm(with_clicks(240, 4000, 8000)), VoiceActivityConfig(onset_hops=1)).any()


@pytest.mark.parametrize("room_db", [None, -60, -45])
def test_a_sentence_is_heard_at_once_and_whole(sentences: NDArray[np.int16], room_db: float | None) -> None:
    """Also out of digital silence, as after a microphone was muted."""
    room = np.zeros(len(sentences)) if room_db is None else noise(room_db, len(sentences) / SAMPLE_RATE_HZ)
    decisions = heard(as_pcm(sentences + room))
    loud = levels_db(sentences) > -32
    first, last = np.flatnonzero(loud)[[0, -1]]
    onset = int(np.argmax(decisions))
    assert first - 3 <= onset <= first + 6
    gaps = [b - a for a, b in pairwise(np.flatnonzero(loud)) if b - a > 22]
    assert decisions[onset:last].sum() >= last - onset - sum(gaps)
    assert not decisions[:onset].any()


@pytest.mark.parametrize("gain_db", [-6, -12, -20])
def test_a_quiet_microphone_is_heard_too(sentences: NDArray[np.int16], gain_db: float) -> None:
    quiet = as_pcm(sentences * 10 ** (gain_db / 20) + noise(-75, len(sentences) / SAMPLE_RATE_HZ))
    loud = levels_db(sentences)[: len(heard(quiet))] > -25
    assert heard(quiet)[loud].mean() > 0.9


def test_speech_goes_on_through_the_hang_over_and_then_ends(sentences: NDArray[np.int16]) -> None:
    cut = int(np.argmax(levels_db(sentences))) + 1  # hops: right behind the loudest
    sound = np.concatenate([sentences[: cut * HOP_SAMPLES], np.zeros(SAMPLE_RATE_HZ, np.int16)])
    lasted_ms = 10 * int(heard(sound)[cut:].sum())
    assert abs(lasted_ms - VoiceActivityConfig().hangover_ms) <= 10
    assert heard(sound)[cut : cut + lasted_ms // 10].all()


def test_words_apart_keep_it_open_though_each_is_shorter_than_an_onset(sentences: NDArray[np.int16]) -> None:
    loudest = int(np.argmax(levels_db(sentences)))
    word = sentences[(loudest - 1) * HOP_SAMPLES : (loudest + 2) * HOP_SAMPLES]
    gap = np.zeros(15 * HOP_SAMPLES, np.int16)
    speech = sentences[: (loudest + 1) * HOP_SAMPLES]
    assert heard(np.concatenate([speech, *[gap, word] * 6]))[loudest:].all()
    assert not heard(np.concatenate([gap, word] * 6)).any()


def test_a_quiet_microphone_is_heard_from_its_first_word(sentences: NDArray[np.int16]) -> None:
    """No silence before it from which the room could be learned."""
    first_words = sentences[24_000 - 1600 :][:9600]
    assert heard(as_pcm(0.1 * first_words.astype(np.float64))).mean() > 0.8


def test_a_voice_out_of_nothing_is_heard_at_once(grid_root: Path) -> None:
    """A clip that speaks loudly 0.12 s after its beginning; the strict detector by itself sleeps until 0.4 s: the control."""
    pcm = read_audio_file(grid_root / "s1" / "pwaj6n.mkv")
    assert int(np.argmax(heard(pcm))) <= 13
    assert int(np.argmax(heard(pcm, VoiceActivityConfig(loud_db=float("inf"))))) >= 30


def test_grid_s_words_are_heard_and_its_silences_are_not(grid_root: Path) -> None:
    """The record's figures, in short. The bounds leave room; the record has the values."""
    figures = [measure(clip) for clip in choose_clips(grid_root, 24)]
    assert fmean(figure.hit for figure in figures) > 0.97
    assert fmean(figure.gate_words for figure in figures) > 0.99
    assert min(figure.gate_onset for figure in figures) >= 0.75
    assert fmean(figure.false for figure in figures) < 0.08
