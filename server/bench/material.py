"""What benchmarks are made of: the first portrait that comes with the program, recorded speech, and bursts cut out of it."""

import json
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio import MonoResampler, read_audio_file
from realtime.errors import AudioError
from realtime.portrait import Portrait, prepare_portrait
from server.encoders import AUDIO_RATE_HZ
from server.portraits import SHIPPED

SPEECH_RATE_HZ = 16_000
BURST_S = 0.32
PAUSE_S = (1.1, 1.5)  # irregular, so that a delay cannot be mistaken for another burst's
RAMP_S = 0.005
HEADROOM = 0.7


def first_portrait(size: int) -> tuple[str, Portrait]:
    """Id and portrait of the first entry of the gallery."""
    entry = json.loads((SHIPPED / "portraits.json").read_text())[0]
    return entry["id"], prepare_portrait((SHIPPED / Path(entry["image"]).name).read_bytes(), size)


def read_speech(path: Path) -> NDArray[np.int16]:
    """A sound file at 48 kHz [n].

    Raises AudioError.
    """
    resampler = MonoResampler(AUDIO_RATE_HZ)
    return np.concatenate([resampler.push(read_audio_file(path), SPEECH_RATE_HZ), resampler.flush()])


def bursts(speech: NDArray[np.int16], count: int = 8) -> NDArray[np.int16]:
    """Speech [n] (48 kHz) → its `count` loudest pieces of 0.32 s, equally loud, in silence, the same every time.

    Raises AudioError where the speech is shorter than that.
    """
    length = int(BURST_S * AUDIO_RATE_HZ)
    pieces = speech[: len(speech) // length * length].reshape(-1, length).astype(np.float64)
    if len(pieces) < count:
        raise AudioError(f"{len(speech) / AUDIO_RATE_HZ:.1f} s of speech came, {count * BURST_S:.1f} s are needed")
    loudest = pieces[np.sort(np.argsort((pieces**2).mean(1))[-count:])]
    ramp = np.minimum(1, np.arange(length) / (RAMP_S * AUDIO_RATE_HZ))
    scaled = loudest / np.abs(loudest).max(1, keepdims=True) * (HEADROOM * 32767) * np.minimum(ramp, ramp[::-1])
    pauses = np.random.default_rng(1).uniform(*PAUSE_S, count)
    parts = [np.concatenate([np.zeros(int(pause * AUDIO_RATE_HZ)), burst]) for pause, burst in zip(pauses, scaled, strict=True)]
    return np.concatenate(parts).astype(np.int16)


def write_wav(pcm: NDArray[np.int16], path: Path) -> None:
    """48 kHz mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(AUDIO_RATE_HZ)
        file.writeframes(pcm.tobytes())
