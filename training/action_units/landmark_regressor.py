"""The project's own landmark → action-unit regressor, for corpora that no one has labelled.

It was learnt from synthetic clips, whose controls are known (`fit_regressor.py` learns it again and says how well it does on
actors that it did not see): ridge regression from how far the landmarks are from the clip's own rest, and from how far the
lips are apart, to each control's strength; a unit occurs from the strength on at which F1 was best. What it says is what
MakeHuman's face units would have to do for such lips. It is no FACS coding and not OpenFace's.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.action_units.geometric import CLOSED_SHARE, EYE_DISTANCE, INNER_LIPS, kept_of, median_of_three
from training.action_units.labels import Labels
from training.preprocessing import KEPT_LANDMARKS, PreparedClip

WEIGHTS = Path(__file__).with_name("landmark_regressor.npz")
N_FEATURES = 2 * len(KEPT_LANDMARKS) + len(INNER_LIPS) + 1


@dataclass(frozen=True)
class Weights:
    """strengths [N_FEATURES, 5]: of each unit, from `features`; occurs [5]: the strength from which on it occurs."""

    strengths: NDArray[np.float64]
    occurs: NDArray[np.float64]


@dataclass(frozen=True)
class LandmarkRegressor:
    """A source of labels for prepared clips, and for films whose whole mesh is known."""

    @property
    def name(self) -> str:
        return "landmark regressor learnt from synthetic clips"

    def of(self, clip: PreparedClip) -> Labels:
        return found(clip.landmarks, self._weights)

    def __call__(self, landmarks: NDArray[np.float32]) -> Labels:
        """Whole meshes [T, 478, 2] in pixels → [T, 5]."""
        return found(kept_of(landmarks), self._weights)

    @cached_property
    def _weights(self) -> Weights:
        with np.load(WEIGHTS) as data:
            return Weights(data["strengths"].astype(np.float64), data["occurs"].astype(np.float64))


def found(landmarks: NDArray[np.float32], weights: Weights) -> Labels:
    """Landmarks [T, K, 2] (KEPT_LANDMARKS, canonical crop pixels) → AU10, 14, 20, 25, 26 [T, 5]."""
    return np.asarray(features(landmarks) @ weights.strengths >= weights.occurs)


def features(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """[T, K, 2] → [T, N_FEATURES], eye distances: every landmark from rest, the gaps between the lips, and 1.

    Rest is the median over the clip's most closed fifth of frames, as in `geometric.py`.
    """
    points = landmarks.astype(np.float64) / EYE_DISTANCE
    place = {index: at for at, index in enumerate(KEPT_LANDMARKS)}
    gaps = np.stack([np.linalg.norm(points[:, place[a]] - points[:, place[b]], axis=1) for a, b in INNER_LIPS], 1)
    closed = gaps.mean(1) <= np.quantile(gaps.mean(1), CLOSED_SHARE)
    moved = (points - np.median(points[closed], 0)).reshape(len(points), -1)
    return np.hstack([median_of_three(np.hstack([moved, gaps])), np.ones((len(points), 1))])
