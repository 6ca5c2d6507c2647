"""Shimmer: how much changes from frame to frame where speech changes nothing.

Landmarks tremble even on a repeated picture, and crops that follow them tremble with them: the film is cut along the landmarks'
moving average instead, which follows a head that turns and not the tracker's noise.
"""

import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE

MOUTH_AND_JAW = (20, 48, 92, 112)  # x0, y0, x1, y1 in crop pixels: what speech moves
SMOOTHING_FRAMES = 13


def jitter(steady: NDArray[np.uint8]) -> float:
    """Root mean square of the frame-to-frame difference outside mouth and jaw, in grey levels; steady crops [T, 112, 112, 3].

    0 for a repeated picture. A real film has blinks, small turns and the camera's noise: its value is the measure, not zero.
    """
    if len(steady) < 2:
        return 0.0
    difference = np.diff(steady.astype(np.float32), axis=0)
    return float(np.sqrt(np.mean(difference[:, outside_mouth()] ** 2)))


def outside_mouth() -> NDArray[np.bool_]:
    """[112, 112], true where a crop shows neither mouth nor jaw."""
    mask = np.ones((CROP_SIZE, CROP_SIZE), bool)
    x0, y0, x1, y1 = MOUTH_AND_JAW
    mask[y0:y1, x0:x1] = False
    return mask


def without_tremble(to_image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps [T, 2, 3] from crop to image pixels, averaged over 13 frames."""
    half = SMOOTHING_FRAMES // 2
    padded = np.pad(to_image, ((half, half), (0, 0), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING_FRAMES, axis=0)
    return np.asarray(windows.mean(-1))
