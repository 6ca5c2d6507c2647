"""Fits the visemes to real clips (the command is `fit_visemes.py`).

Real lips are first read as strengths of action units: those that, through the face units, come nearest to the tracked landmarks.
When each phone is spoken, a Kokoro voice tells: it says the clip's sentence with known phone times, and dynamic time warping
(`dubbing.py`) lays them on the clip. Ridge regression then finds what each viseme does to each unit before, while and after it is
spoken.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.evaluation.lips import detail
from training.preprocessing import CHEEKS, JAW, KEPT_LANDMARKS, STILL, PreparedClip
from training.synthetic import face_units
from training.synthetic.coarticulation import MOUTH_UNITS, Responses, features
from training.synthetic.dubbing import Dub
from training.synthetic.grid_pronunciation import phones as grid_phones
from training.synthetic.kokoro import Kokoro
from training.synthetic.visemes import HOP_S, VISEMES, loudness, occupancy, phone_times

Curves = NDArray[np.float64]

EYE_DISTANCE = 32.0  # crop pixels, by the canonical crop's definition
CLOSED_SHARE = 0.2
WEIGHTS = {"lips": 1.0, "jaw": 0.5, "cheeks": 0.5, "still": 0.0}
OPENING_WEIGHT, WIDTH_WEIGHT = 6.0, 6.0
LAZINESS = 0.02  # ridge of a frame's units: of two explanations the weaker
SWEEPS = 60
RIDGE = 30.0
DETAIL_WEIGHT = 2.0
UPPER, LOWER, RIGHT_CORNER, LEFT_CORNER = 13, 14, 61, 291


@dataclass(frozen=True, kw_only=True)
class Example:
    """One clip. features [T, V + 1, L]; units [T, M]: the real mouth's; landmarks [T, K, 2] crop pixels."""

    key: str
    speaker: str
    features: Curves
    units: Curves
    landmarks: NDArray[np.float32]


def observed_units(landmarks: NDArray[np.float32]) -> Curves:
    """Landmarks [T, K, 2] (KEPT_LANDMARKS, crop pixels) → strengths of MOUTH_UNITS [T, M], 0..1, against the clip's own closed
    mouth.

    Least squares with no negative strength, by coordinate descent. Where the whole lower face shifts (a nod, a turn) is free.
    """
    points = landmarks.astype(np.float64) / EYE_DISTANCE
    gap = _gap(points)
    moved = points - np.median(points[gap <= np.quantile(gap, CLOSED_SHARE)], 0)
    basis, rows = _observable_basis()
    target = _rows(moved) * rows
    return _non_negative(basis, target)


def example(clip: PreparedClip, dub: Dub, sentence: str, kokoro: Kokoro, *, seed: int, cache: Path) -> Example:
    """dub: the first of `make_dubs` with this seed, whose voice is drawn again to learn its phone times; they are kept in
    `cache`."""
    text, kept = grid_phones(sentence), cache / f"{clip.key.replace('/', '_')}.{seed}.npy"
    if not kept.exists():
        voice = kokoro.any_voice(np.random.default_rng([seed, 0, zlib.crc32(clip.key.encode())]))
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, kokoro.durations(text, voice))
    phones = phone_times(text, np.load(kept))
    spoken = occupancy(phones, dub.hops.astype(np.float64) * HOP_S + 0.0125)
    made = features(spoken, loudness(clip.pcm), len(clip.landmarks))
    return Example(
        key=clip.key, speaker=clip.speaker, features=made, units=observed_units(clip.landmarks), landmarks=clip.landmarks
    )


def fit(examples: list[Example]) -> Responses:
    """Ridge regression over all clips; each clip's own mean is its own."""
    n, m = len(VISEMES) + 1, len(MOUTH_UNITS)
    inputs, outputs = [], []
    for clip in examples:
        x = clip.features.reshape(len(clip.features), -1)
        for scale, change in ((1.0, lambda values: values - values.mean(0)), (DETAIL_WEIGHT, _details)):
            inputs.append(scale * change(x))
            outputs.append(scale * change(clip.units))
    a, b = np.concatenate(inputs), np.concatenate(outputs)
    weights = np.linalg.solve(a.T @ a + RIDGE * np.eye(a.shape[1]), a.T @ b).reshape(n, -1, m)
    return Responses(weights=weights, gain=_gain(examples, weights), speakers=tuple(sorted({clip.speaker for clip in examples})))


def predicted_landmarks(units: Curves, rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strengths [T, M] on a mesh at rest [K, 2] (crop pixels) → [T, K, 2]."""
    moved = np.tensordot(units, _mouth_basis(), 1)[:, list(KEPT_LANDMARKS), :2] * EYE_DISTANCE
    return np.asarray(rest + moved, np.float32)


def motion(landmarks: NDArray[np.float32]) -> tuple[Curves, Curves]:
    """Opening and width [T] of kept landmarks, in eye distances: as `training/evaluation/lips.py` has them."""
    points = landmarks.astype(np.float64) / EYE_DISTANCE
    return _gap(points), _distance(points, RIGHT_CORNER, LEFT_CORNER)


def _gain(examples: list[Example], weights: Curves) -> Curves:
    """Ratio of the details' spreads, real to fitted [M], between 1 and 2."""
    fitted = np.concatenate([_details(np.tensordot(clip.features, weights, 2)) for clip in examples])
    real = np.concatenate([_details(clip.units) for clip in examples])
    return np.asarray(np.clip(real.std(0) / np.maximum(fitted.std(0), 1e-6), 1.0, 2.0))


def _details(values: Curves) -> Curves:
    return np.stack([detail(column) for column in values.T], 1)


def _mouth_basis() -> Curves:
    """[M, 478, 3]."""
    return face_units.basis()[[face_units.ACTION_UNITS.index(unit) for unit in MOUTH_UNITS]]


def _observable_basis() -> tuple[Curves, Curves]:
    """Orthogonal to a shift of everything: basis [M, R] and the rows' weights [R]."""
    weight = np.full(len(KEPT_LANDMARKS), WEIGHTS["lips"])
    for name, group in (("jaw", JAW), ("cheeks", CHEEKS), ("still", STILL)):
        weight[[KEPT_LANDMARKS.index(point) for point in group]] = WEIGHTS[name]
    rows = np.concatenate([np.repeat(weight, 2), [OPENING_WEIGHT, WIDTH_WEIGHT]])
    basis = _rows(_mouth_basis()[:, list(KEPT_LANDMARKS), :2]) * rows
    return basis, rows


def _rows(moved: Curves) -> Curves:
    """Displacements [N, K, 2] → [N, R]: less their mean, and what they do to opening and width."""
    lips = [KEPT_LANDMARKS.index(point) for point in (UPPER, LOWER, RIGHT_CORNER, LEFT_CORNER)]
    upper, lower, right, left = (moved[:, point] for point in lips)
    face = moved[:, : len(KEPT_LANDMARKS)]
    flat = (face - face.mean(1, keepdims=True)).reshape(len(moved), -1)
    return np.hstack([flat, (lower - upper)[:, 1:], (left - right)[:, :1]])


def _non_negative(basis: Curves, target: Curves) -> Curves:
    """min ‖x B − y‖² + ridge ‖x‖², 0 ≤ x ≤ 1, for every row of y [T, R]: [T, M]."""
    square = basis @ basis.T + LAZINESS * np.trace(basis @ basis.T) / len(basis) * np.eye(len(basis))
    right = target @ basis.T
    found = np.zeros_like(right)
    for _ in range(SWEEPS):
        for unit in range(len(basis)):
            residual = right[:, unit] - found @ square[:, unit] + found[:, unit] * square[unit, unit]
            found[:, unit] = np.clip(residual / square[unit, unit], 0, 1)
    return found


def _gap(points: Curves) -> Curves:
    return _distance(points, UPPER, LOWER)


def _distance(points: Curves, a: int, b: int) -> Curves:
    between = points[:, KEPT_LANDMARKS.index(a)] - points[:, KEPT_LANDMARKS.index(b)]
    return np.asarray(np.hypot(*between.T))
