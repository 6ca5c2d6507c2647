"""What exports are proven and calibrated with: a recording of four sentences, as windows, and the portraits of the gallery."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import WindowSlicer
from realtime.pipeline import FRAME_SAMPLES
from realtime.portrait import Portrait, prepare_portrait

SPEECH = Path(__file__).parent / "speech.ogg"  # tests/fixtures/speech.wav as Opus: origin and licence stand there
PORTRAITS = Path(__file__).resolve().parents[1] / "web_client" / "portraits"
SIDE = 256  # pixels of the pictures that are compared
FEW_FRAMES = 12
SPANS = ((0, None), (57, 58), (40, 100), (0, 110), (200, 275), (95, 185))
"""First and last frame of the speech that each stream hears: all 317, one frame (less than any lookahead), and parts."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Somebody who speaks for a while: the portrait, and windows float32 [T, 12, 28]."""

    name: str
    portrait: Portrait
    windows: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.windows)


def speech_windows(offset_hops: int, speed: float = 1.0, gain: float = 1.0) -> NDArray[np.float32]:
    """The recording's windows [T, 12, 28] for a generator's offset; faster and higher, or louder, where asked for."""
    pcm = read_audio_file(SPEECH)
    if (speed, gain) != (1.0, 1.0):
        pcm = (gain * np.interp(np.arange(0, len(pcm) - 1, speed), np.arange(len(pcm)), pcm)).clip(-32768, 32767).astype(np.int16)
    n_frames = len(pcm) // FRAME_SAMPLES + 1
    mfcc, slicer = StreamingMfcc(), WindowSlicer(offset_hops)
    hops = np.concatenate([mfcc.push(pcm), mfcc.flush()])
    windows = slicer.push(hops, [True] * len(hops)) + slicer.flush(n_frames)
    return np.stack([window.mfcc for window in windows[:n_frames]])


def streams(offset_hops: int) -> list[Stream]:
    """One stream for each portrait of the gallery, the longest first."""
    return _cut(speech_windows(offset_hops), list(gallery()))


def first_words(offset_hops: int) -> list[Stream]:
    """A few frames of one of them: enough to find a wrong graph, too few to find a rare difference."""
    name, portrait = gallery()[0]
    return [Stream(name=name, portrait=portrait, windows=speech_windows(offset_hops)[:FEW_FRAMES])]


def calibration_streams(offset_hops: int) -> list[Stream]:
    """Other streams than those that prove: another voice and loudness, the portraits in another order."""
    portraits = list(gallery())
    return _cut(speech_windows(offset_hops, speed=0.94, gain=0.7), portraits[::-1]) + _cut(
        speech_windows(offset_hops, speed=1.12, gain=1.4), portraits[2:] + portraits[:2]
    )


def _cut(windows: NDArray[np.float32], portraits: list[tuple[str, Portrait]]) -> list[Stream]:
    """A stream a portrait."""
    spans = zip(portraits, SPANS, strict=False)
    return [Stream(name=name, portrait=portrait, windows=windows[slice(*span)]) for (name, portrait), span in spans]


@cache
def gallery() -> tuple[tuple[str, Portrait], ...]:
    """Names and portraits that come with the program."""
    return tuple((path.stem, prepare_portrait(path.read_bytes(), SIDE)) for path in sorted(PORTRAITS.glob("*.jpg")))
