"""Dubbing: a clip's sentence in other voices, laid on the clip's own time.

A corpus of few speakers teaches a generator few voices. Speech synthesis says each sentence again in voices of its own, dynamic
time warping finds which moment of it is which of the clip's, and the clip's lips serve both: what is learnt stays real
motion, heard from many voices.
Source of the warping: H. Sakoe, S. Chiba, *Dynamic programming algorithm optimization for spoken word recognition*, IEEE TASSP
26(1), 1978.
"""

import logging
import zlib
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from realtime.errors import FacewireError
from training.augmentation import warped_mfcc
from training.processes import in_processes
from training.synthetic.grid_pronunciation import phones
from training.synthetic.kokoro import Kokoro

log = logging.getLogger(__name__)

HOP_SAMPLES, FRAME_SAMPLES = 160, 400
SPEECH_SHARE = 0.4  # of the way from the sound's floor to its peak, in dB: what is louder is speech
MARGIN_HOPS = 10
SLOPE_WEIGHT = 3.0  # of the coefficients' change against their values
DIAGONAL, STRAIGHT = 2.0, 1.3  # cost of a step in both sounds, in one of them
SMOOTH_HOPS = 9


@dataclass(frozen=True, kw_only=True)
class Dub:
    """pcm int16 [m], 16 kHz: the sentence in another voice. hops int16 [n]: hop t of the clip is hop hops[t] of it."""

    pcm: NDArray[np.int16]
    hops: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What is to be dubbed: a clip's key, words, and sound (int16, 16 kHz)."""

    key: str
    text: str
    pcm: NDArray[np.int16]


def align(real: NDArray[np.int16], other: NDArray[np.int16]) -> NDArray[np.int16]:
    """For each hop of the real sound the hop [n] of the other that says the same."""
    a, b = warped_mfcc(real.astype(np.float64), 1.0), warped_mfcc(other.astype(np.float64), 1.0)
    (a0, a1), (b0, b1) = _spoken(real, len(a)), _spoken(other, len(b))
    matched = _smooth(_path(_distance(_standardised(a[a0:a1]), _standardised(b[b0:b1]))))
    before, after = np.arange(-a0, 0), np.arange(1, len(a) - a1 + 1)
    hops = np.concatenate([b0 + matched[0] + before, b0 + matched, b0 + matched[-1] + after])
    return np.clip(np.round(hops), 0, len(b) - 1).astype(np.int16)


def make_dubs(
    sentences: list[Sentence], cache: Path, voices: Path, count: int, seed: int, workers: int = 2
) -> dict[str, list[Dub]]:
    """`count` dubs of each sentence by its key, from the cache where they are there, with a progress bar.

    Raises ConfigError where the synthesis is not installed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wanted = {sentence.key: [_file(cache, sentence.key, seed, n) for n in range(count)] for sentence in sentences}
    missing = [sentence for sentence in sentences if not all(path.exists() for path in wanted[sentence.key])]
    if missing:
        Kokoro(voices)  # says what is not installed here, once, and not in each process
        work, workers = partial(_make, cache=cache, voices=voices, count=count, seed=seed), min(workers, len(missing))
        for failure in filter(None, in_processes(work, missing, workers=workers, label="dubbing clips", unit="clip")):
            log.warning("not dubbed: %s", failure)
    return {key: [_load(path) for path in paths if path.exists()] for key, paths in wanted.items()}


def _make(sentence: Sentence, cache: Path, voices: Path, count: int, seed: int) -> str | None:
    """Says, aligns and stores one clip's dubs; returns why not."""
    kokoro = _kokoro(voices)
    for n in range(count):
        path = _file(cache, sentence.key, seed, n)
        if path.exists():
            continue
        rng = np.random.default_rng([seed, n, zlib.crc32(sentence.key.encode())])
        try:
            pcm = kokoro.say(phones(sentence.text), kokoro.any_voice(rng))
            unfinished = path.with_suffix(".partial")
            with unfinished.open("wb") as file:
                np.savez(file, pcm=pcm, hops=align(sentence.pcm, pcm))
            unfinished.replace(path)
        except (FacewireError, KeyError, ValueError) as error:
            return f"{sentence.key}: {error}"
    return None


@cache
def _kokoro(voices: Path) -> Kokoro:
    return Kokoro(voices)


def _load(path: Path) -> Dub:
    with path.open("rb") as file, np.load(file) as data:
        return Dub(pcm=data["pcm"], hops=data["hops"])


def _file(cache: Path, key: str, seed: int, n: int) -> Path:
    return cache / f"{key.replace('/', '_')}.{seed}.{n}.npz"


def _spoken(pcm: NDArray[np.int16], n_hops: int) -> tuple[int, int]:
    """First and last but one hop of the speech, with a margin."""
    power = fftconvolve(pcm.astype(np.float64) ** 2, np.ones(FRAME_SAMPLES))[FRAME_SAMPLES - 1 :: HOP_SAMPLES][:n_hops]
    level = 10 * np.log10(np.maximum(power, FRAME_SAMPLES))
    floor, peak = np.percentile(level, (5, 98))
    loud = np.flatnonzero(level > floor + SPEECH_SHARE * (peak - floor))
    return max(0, int(loud[0]) - MARGIN_HOPS), min(n_hops, int(loud[-1]) + 1 + MARGIN_HOPS)


def _standardised(mfcc: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coefficients without their mean and spread, and their slopes: [n, 24]."""
    values = (mfcc - mfcc.mean(0)) / (mfcc.std(0) + 1e-6)
    return np.hstack([values, SLOPE_WEIGHT * np.gradient(values, axis=0)])


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances [len(a), len(b)]."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return distances


def _path(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cheapest monotone way through cost [n, m]: for each row the mean of its columns."""
    n, m = cost.shape
    steps = np.zeros((n, m), np.int8)
    above = [0.0] + [np.inf] * m
    for i, row in enumerate(cost.tolist()):
        here = [np.inf] * (m + 1)
        for j, value in enumerate(row):
            options = (above[j] + DIAGONAL * value, above[j + 1] + STRAIGHT * value, here[j] + STRAIGHT * value)
            here[j + 1] = min(options)
            steps[i, j] = options.index(here[j + 1])
        above = here
    sums, counts, (i, j) = np.zeros(n), np.zeros(n), (n - 1, m - 1)
    while i >= 0 and j >= 0:
        sums[i] += j
        counts[i] += 1
        step = steps[i, j]
        i, j = i - (step != 2), j - (step != 1)
    means: NDArray[np.float64] = np.maximum.accumulate(sums / np.maximum(counts, 1))
    return means


def _smooth(path: NDArray[np.float64]) -> NDArray[np.float64]:
    window = np.hanning(SMOOTH_HOPS + 2)[1:-1]
    padded = np.pad(path, SMOOTH_HOPS // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid")
