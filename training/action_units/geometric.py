"""Geometric pseudo-labels: action units guessed from where the lips, chin and nose are, for corpora that no one has labelled.

They are no FACS coding and not OpenFace's: thresholds on landmarks, stated below, set so that each unit occurs in a share of
GRID's frames that can be learnt from. AU25 and AU26 are nearly what their names say. AU10, AU14 and AU20 are stand-ins of one or
two hundredths of an eye distance, a few times a tracker's noise (0.004): dimples are no landmarks. F1 and accuracy against
these labels say whether one face moves like another, and are never comparable with the papers'.

Rest is the clip's own: the median over its most closed fifth of frames. Lengths are in eye distances of the canonical crop.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime import alignment
from training.action_units.labels import Labels
from training.preprocessing import KEPT_LANDMARKS, PreparedClip

EYE_DISTANCE = 32.0  # crop pixels, by the canonical crop's definition
CLOSED_SHARE = 0.2
MEDIAN_FRAMES = 3

# Points of the face mesh.
INNER_LIPS = ((13, 14), (82, 87), (312, 317))  # upper, lower
CORNERS = (61, 291)
CUPIDS_BOW = (37, 0, 267)  # the upper lip's outer rim, in the middle
NOSE_BASE = (98, 2, 327)
CHIN = (148, 152, 377)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Eye distances. parted: between the inner lips, absolute; the others against rest. dropped: chin from nose base; raised:
    cupid's bow towards it; dimpled, stretched: between the corners, which are at rest's height or above it for a dimple, below it
    for a stretch."""

    parted: float = 0.03
    dropped: float = 0.06
    raised: float = 0.01
    dimpled: float = 0.01
    stretched: float = 0.015


@dataclass(frozen=True)
class GeometricPseudoLabels:
    """A source of labels for prepared clips, and for films whose whole mesh is known."""

    thresholds: Thresholds = Thresholds()

    @property
    def name(self) -> str:
        return "geometric pseudo-labels"

    def of(self, clip: PreparedClip) -> Labels:
        return geometric_units(clip.landmarks, self.thresholds)

    def __call__(self, landmarks: NDArray[np.float32]) -> Labels:
        """Whole meshes [T, 478, 2] in pixels → [T, 5]."""
        return geometric_units(kept_of(landmarks), self.thresholds)


def kept_of(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole meshes [T, 478, 2] in pixels → KEPT_LANDMARKS of the canonical crop [T, K, 2]."""
    return np.stack([alignment.to_crop(points[list(KEPT_LANDMARKS)], alignment.crop_to_image(points)) for points in landmarks])


def geometric_units(landmarks: NDArray[np.float32], thresholds: Thresholds) -> Labels:
    """Landmarks [T, K, 2] (KEPT_LANDMARKS, canonical crop pixels) → AU10, 14, 20, 25, 26 [T, 5]."""
    points = landmarks.astype(np.float64) / EYE_DISTANCE
    nose = _height(points, NOSE_BASE)
    gap = np.mean([_distance(points, *pair) for pair in INNER_LIPS], 0)
    closed = gap <= np.quantile(gap, CLOSED_SHARE)

    def from_rest(series: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(median_of_three(series) - np.median(series[closed]))

    raised = -from_rest(_height(points, CUPIDS_BOW) - nose)
    wider, lower = from_rest(_distance(points, *CORNERS)), from_rest(_height(points, CORNERS) - nose)
    dropped = from_rest(_height(points, CHIN) - nose)
    limit = thresholds
    units = (
        raised >= limit.raised,
        (wider >= limit.dimpled) & (lower <= 0),
        (wider >= limit.stretched) & (lower > 0),
        median_of_three(gap) >= limit.parted,
        dropped >= limit.dropped,
    )
    return np.stack(units, 1)


def _height(points: NDArray[np.float64], of: tuple[int, ...]) -> NDArray[np.float64]:
    """Mean distance below the crop's top edge [T]."""
    return np.asarray(points[:, [KEPT_LANDMARKS.index(i) for i in of], 1].mean(1))


def _distance(points: NDArray[np.float64], a: int, b: int) -> NDArray[np.float64]:
    between = points[:, KEPT_LANDMARKS.index(a)] - points[:, KEPT_LANDMARKS.index(b)]
    return np.asarray(np.hypot(*between.T))


def median_of_three(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Series [T, ...]: the median of each frame and its neighbours, since one frame's jump is the tracker's."""
    padded = np.pad(series, [(MEDIAN_FRAMES // 2, MEDIAN_FRAMES // 2)] + [(0, 0)] * (series.ndim - 1), mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_FRAMES, axis=0), -1))
