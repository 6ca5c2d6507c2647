"""Lip motion as two series, and how well one follows another.

Mouths open in the middle of every sentence, so even the wrong sentence correlates with a raw series. A 13-frame moving average is
taken away first: what is left is the motion of single sounds, of which a wrong sentence knows nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.alignment import eye_distance

UPPER, LOWER, RIGHT_CORNER, LEFT_CORNER = 13, 14, 61, 291
TREND_FRAMES = 13
MAX_LAG_FRAMES = 5
Series = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LipMotion:
    """opening: between the inner lips; width: between the corners; both [T], in eye distances of the whole clip."""

    opening: Series
    width: Series


def lip_motion(landmarks: NDArray[np.float32]) -> LipMotion:
    """From landmarks [T, 478, 2]."""
    unit = float(np.median([eye_distance(points) for points in landmarks]))
    across = np.hypot(*(landmarks[:, UPPER, :2] - landmarks[:, LOWER, :2]).T) / unit
    along = np.hypot(*(landmarks[:, RIGHT_CORNER, :2] - landmarks[:, LEFT_CORNER, :2]).T) / unit
    return LipMotion(opening=across.astype(np.float64), width=along.astype(np.float64))


def detail(series: Series) -> Series:
    """The series less its 13-frame moving average."""
    half = TREND_FRAMES // 2
    padded = np.pad(series, half, mode="edge")
    return series - np.convolve(padded, np.full(TREND_FRAMES, 1 / TREND_FRAMES), "valid")


def detail_correlation(series: Series, real: Series) -> float:
    """Pearson correlation of the details of two series of one length; 0 where either does not move."""
    n = min(len(series), len(real))
    a, b = detail(series[:n]), detail(real[:n])
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def lag(series: Series, real: Series) -> int:
    """Frames by which the series comes late (negative: early): the shift with the highest detail correlation."""
    n = min(len(series), len(real))
    a, b = detail(series[:n]), detail(real[:n])
    m = MAX_LAG_FRAMES

    def shifted(by: int) -> float:
        x, y = a[m + by : n - m + by], b[m : n - m]
        return float(np.corrcoef(x, y)[0, 1]) if x.std() > 1e-9 and y.std() > 1e-9 else -1.0

    return max(range(-m, m + 1), key=shifted)
