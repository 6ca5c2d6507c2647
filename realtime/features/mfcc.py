"""Streaming MFCC, equal to `python_speech_features.mfcc` on the whole sound, for any portions.

12 coefficients: the first 13 with liftering, of which the energy is dropped (papers/1, 3.1 and 4.1). 16 kHz, windows of 25
ms every 10 ms, pre-emphasis 0.97, 512-point spectrum, 26 mel filters. The cepstrum of silence is zero.
"""

import numpy as np
from numpy.typing import NDArray
from python_speech_features import base

from realtime.audio import SAMPLE_RATE_HZ
from realtime.model_spec import HOP_LENGTH_MS, HOP_MS, N_MFCC

HOP_SAMPLES = SAMPLE_RATE_HZ * HOP_MS // 1000
WINDOW_SAMPLES = SAMPLE_RATE_HZ * HOP_LENGTH_MS // 1000
N_FFT = 512
N_FILTERS = 26
LIFTER = 22
PRE_EMPHASIS = 0.97


class StreamingMfcc:
    """Sound in, portion by portion; one row of coefficients out for each hop whose 25 ms are complete.

    State: the samples that the next window begins with, pre-emphasised; how many of them the window before has heard already; the
    last raw sample.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pending = np.zeros(0)
        self._overlap_samples = 0
        self._last = 0.0

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Samples [n] int16 at 16 kHz → coefficients [hops, 12]."""
        if len(pcm) == 0:
            return np.zeros((0, N_MFCC))
        sound = pcm.astype(np.float64)
        before = np.concatenate([[self._last], sound[:-1]])
        self._last = float(sound[-1])
        self._pending = np.concatenate([self._pending, sound - PRE_EMPHASIS * before])
        return self._take((len(self._pending) - WINDOW_SAMPLES) // HOP_SAMPLES + 1)

    def flush(self) -> NDArray[np.float64]:
        """The end of the sound: its last hop [0 or 1, 12], padded with zeros as the reference pads it. A new sound may follow."""
        unheard = len(self._pending) > self._overlap_samples
        if unheard:
            self._pending = np.pad(self._pending, (0, WINDOW_SAMPLES - len(self._pending)))
        rest = self._take(1 if unheard else 0)
        self._begin()
        return rest

    def _take(self, hops: int) -> NDArray[np.float64]:
        if hops <= 0:
            return np.zeros((0, N_MFCC))
        starts = np.arange(hops)[:, None] * HOP_SAMPLES
        windows = self._pending[starts + np.arange(WINDOW_SAMPLES)]
        self._pending = self._pending[hops * HOP_SAMPLES :]
        self._overlap_samples = WINDOW_SAMPLES - HOP_SAMPLES
        return cepstrum(np.abs(np.fft.rfft(windows, N_FFT)) ** 2 / N_FFT)


def cepstrum(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power spectra [n, 257] → coefficients [n, 12]."""
    energy = power @ _FILTERS
    energy[energy == 0] = np.finfo(float).eps
    return np.asarray(np.log(energy) @ _COSINES)


def _cosines() -> NDArray[np.float64]:
    """Orthonormal DCT-II of 26 log energies, rows 1..12, with the lifter's weights on it: [26, 12]."""
    n = np.arange(N_FILTERS)[:, None]
    k = np.arange(1, N_MFCC + 1)[None, :]
    transform = np.sqrt(2 / N_FILTERS) * np.cos(np.pi * k * (2 * n + 1) / (2 * N_FILTERS))
    return np.asarray(transform * (1 + LIFTER / 2 * np.sin(np.pi * k / LIFTER)))


_FILTERS = np.asarray(base.get_filterbanks(N_FILTERS, N_FFT, SAMPLE_RATE_HZ)).T
_COSINES = _cosines()
