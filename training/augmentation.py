"""One speaker's clip as many voices: MFCC of warped, noisy, differently coloured copies of a sound.

Vocal-tract-length perturbation bends the frequency axis, which changes the speaker and keeps the timing that the lips follow.
Source: N. Jaitly, G. Hinton, *Vocal tract length perturbation (VTLP) improves speech recognition*, ICML workshop, 2013.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from python_speech_features import base, sigproc
from scipy.fft import dct

SAMPLE_RATE_HZ = 16_000
N_FFT = 512
N_FILTERS = 26
LIFTER = 22
N_MFCC = 12
WARP_KNEE_HZ = 4_800.0


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """variants: copies a clip; warp: largest stretch of the frequency axis; snr_db: range of the added noise; colour: spread of
    the constant cepstral offset, in standard deviations of the coefficient."""

    variants: int = 12
    warp: float = 0.18
    snr_db: tuple[float, float] = (8.0, 35.0)
    noisy: float = 0.5
    colour: float = 0.25


def voices(pcm: NDArray[np.int16], config: AugmentationConfig, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """MFCC [n_hops, 12] of the clip itself and of `config.variants` other voices saying it."""
    return [warped_mfcc(pcm.astype(np.float64), 1.0), *other_voices(pcm, config, rng)]


def other_voices(pcm: NDArray[np.int16], config: AugmentationConfig, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """MFCC [n_hops, 12] of `config.variants` other voices saying the same."""
    copies = []
    for _ in range(config.variants):
        sound = pcm.astype(np.float64)
        if rng.random() < config.noisy:
            sound = add_noise(sound, rng.uniform(*config.snr_db), rng)
        copies.append(warped_mfcc(sound, 1 + rng.uniform(-config.warp, config.warp)))
    return copies


def warped_mfcc(sound: NDArray[np.float64], warp: float) -> NDArray[np.float32]:
    """MFCC [n_hops, 12] with the frequency axis stretched by `warp`; warp 1 is `python_speech_features.mfcc` without its
    energy."""
    emphasised = sigproc.preemphasis(sound, 0.97)
    frames = sigproc.framesig(emphasised, 400, 160)
    power = sigproc.powspec(frames, N_FFT)
    if warp != 1:
        power = power @ _warp_matrix(warp)
    energy = power @ _filterbank().T
    energy = np.where(energy == 0, np.finfo(float).eps, energy)
    cepstrum = dct(np.log(energy), type=2, axis=1, norm="ortho")[:, : N_MFCC + 1]
    lifted: NDArray[np.float64] = base.lifter(cepstrum, LIFTER)
    return lifted[:, 1:].astype(np.float32)


def add_noise(sound: NDArray[np.float64], snr_db: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """White to brown noise at a signal-to-noise ratio."""
    noise = coloured_noise(len(sound), rng.uniform(0, 2), rng)
    level = np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20)
    noisy: NDArray[np.float64] = sound + noise * level
    return noisy


def coloured_noise(n: int, exponent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of power 1 whose spectrum falls with frequency ** exponent: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.arange(len(spectrum)) + 10.0
    noise = np.fft.irfft(spectrum * frequency ** (-exponent / 2), n)
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12)


def silences(n_hops: int, rng: np.random.Generator, count: int = 48) -> list[NDArray[np.float32]]:
    """MFCC of rooms in which nobody speaks: digital silence, and noise of many colours and levels."""
    n = n_hops * 160
    copies = [warped_mfcc(np.zeros(n), 1.0)]
    for _ in range(count):
        level = 10 ** rng.uniform(0, 2.5)
        copies.append(warped_mfcc(np.round(coloured_noise(n, rng.uniform(0, 2), rng) * level), 1.0))
    return copies


@cache
def _filterbank() -> NDArray[np.float64]:
    return np.asarray(base.get_filterbanks(N_FILTERS, N_FFT, SAMPLE_RATE_HZ))


def _warp_matrix(warp: float) -> NDArray[np.float64]:
    """Columns are output bins; bins below the knee read bin / warp, those above it reach the same last bin."""
    bins = N_FFT // 2 + 1
    hz = np.arange(bins) * SAMPLE_RATE_HZ / N_FFT
    knee = WARP_KNEE_HZ * min(warp, 1)
    top = SAMPLE_RATE_HZ / 2
    source = np.where(hz <= knee, hz / warp, top - (top - knee / warp) * (top - hz) / (top - knee))
    position = np.clip(source * N_FFT / SAMPLE_RATE_HZ, 0, bins - 1)
    low = np.minimum(position.astype(int), bins - 2)
    share = position - low
    matrix = np.zeros((bins, bins))
    matrix[low, np.arange(bins)] = 1 - share
    matrix[low + 1, np.arange(bins)] += share
    return matrix
