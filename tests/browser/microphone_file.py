"""Recorded speech as a microphone: the shipped fixture, and real GRID clips where they are at hand."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ, MonoResampler, read_audio_file

MICROPHONE_RATE_HZ = 48_000
PAUSE_S = 1.2
N_GRID_CLIPS = 3
ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "speech.wav"
GRID = ROOT.parent / "shared" / "data" / "grid"
GRID_SPEAKER = "s4"


def speech(source: str) -> NDArray[np.int16]:
    """The recording "fixture" or "grid" → int16 [n], 16 kHz, silent at both ends."""
    if source == "fixture":
        return read_audio_file(FIXTURE)
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE_HZ), np.int16)
    clips = sorted((GRID / GRID_SPEAKER).glob("*.mkv"))[:N_GRID_CLIPS]
    return np.concatenate([pause, *(part for clip in clips for part in (read_audio_file(clip), pause))])


def write_microphone(pcm: NDArray[np.int16], path: Path) -> None:
    """16 kHz int16 → a 48 kHz WAV file for the browser."""
    resampler = MonoResampler(MICROPHONE_RATE_HZ)
    samples = np.concatenate([resampler.push(pcm, SAMPLE_RATE_HZ), resampler.flush()])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE_HZ)
        file.writeframes(samples.tobytes())
