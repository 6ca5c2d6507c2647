"""Speech → action units with coarticulation: every viseme moves every unit from a quarter of a second before it is spoken until
as long after, and what overlaps adds up.

The responses were fitted to real clips (`viseme_fit.py`); at rest, in silence, all units are zero.
Source of the additive view: A. Löfqvist, *Speech as audible gestures*, in Speech Production and Speech Modelling, 1990; M. Cohen,
D. Massaro, *Modeling coarticulation in synthetic visual speech*, 1993, blend targets where here responses are added.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.synthetic.face_units import ACTION_UNITS
from training.synthetic.visemes import HOP_S, QUIET, VISEMES, Phone, loudness, occupancy

FILE = Path(__file__).with_name("viseme_responses.npz")
MOUTH_UNITS = ("AU10", "AU12", "AU14", "AU15", "AU16", "AU17", "AU18", "AU20", "AU22", "AU24", "AU26", "AU28")
OPENING_UNITS = ("AU10", "AU16", "AU22", "AU26")
CLOSURE = 0.8  # of their opening that p, b and m take away: what overlaps adds up, but lips that shut are shut
LAGS_HOPS = tuple(range(-24, 25, 3))
HOPS_A_FRAME = 4
SMOOTH_HOPS = 3
CEILING = 1.1

Curves = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Responses:
    """weights [V + 1, L, M]: of each viseme (last: of loudness) at each of LAGS_HOPS on each of MOUTH_UNITS; gain [M]: by which
    the fit, which blurs, is too small; speakers: whom it was fitted to."""

    weights: Curves
    gain: Curves
    speakers: tuple[str, ...]


def features(spoken: Curves, level: Curves, n_frames: int) -> Curves:
    """Occupancy [n, V] and loudness [n] of hops → [T, V + 1, L]: both around each frame, as differences from silence."""
    n = min(len(spoken), len(level))
    rest = np.zeros(len(VISEMES))
    rest[0] = 1.0
    both = np.hstack([spoken[:n] - rest, level[:n, None] - QUIET])
    kernel = np.full(SMOOTH_HOPS, 1 / SMOOTH_HOPS)
    smooth = np.stack([np.convolve(column, kernel, "same") for column in both.T], 1)
    hops = np.arange(n_frames)[:, None] * HOPS_A_FRAME + np.array(LAGS_HOPS)
    inside = (hops >= 0) & (hops < n)
    return np.asarray((smooth[np.clip(hops, 0, n - 1)] * inside[..., None]).transpose(0, 2, 1))


def mouth_motion(features_: Curves, responses: Responses) -> Curves:
    """[T, V + 1, L] → strengths of MOUTH_UNITS [T, M], 0..1.1."""
    motion = np.clip(np.tensordot(features_, responses.weights, 2) * responses.gain, 0, CEILING)
    shut = np.clip(features_[:, VISEMES.index("PBM"), LAGS_HOPS.index(0)], 0, 1)
    motion[:, [MOUTH_UNITS.index(unit) for unit in OPENING_UNITS]] *= 1 - CLOSURE * shut[:, None]
    return np.asarray(motion)


def speak(phones: list[Phone], pcm: NDArray[np.int16], n_frames: int) -> Curves:
    """The mouth of a sentence: strengths [T, A] of ACTION_UNITS at 25 frames a second."""
    level = loudness(pcm)
    times_s = np.arange(len(level), dtype=np.float64) * HOP_S + 0.0125  # a hop's middle
    motion = mouth_motion(features(occupancy(phones, times_s), level, n_frames), fitted())
    units = np.zeros((n_frames, len(ACTION_UNITS)))
    units[:, [ACTION_UNITS.index(unit) for unit in MOUTH_UNITS]] = motion
    return units


@cache
def fitted() -> Responses:
    """The shipped fit."""
    with np.load(FILE) as data:
        return Responses(
            weights=data["weights"].astype(np.float64),
            gain=data["gain"].astype(np.float64),
            speakers=tuple(str(name) for name in data["speakers"]),
        )
