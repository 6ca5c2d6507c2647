"""What a voice could tell of a face: how its lips and jaw move, frame by frame, as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realtime.lip_map import INNER_LIP, OUTER_LIP
from training.preprocessing import JAW, KEPT_LANDMARKS

MOVING = [KEPT_LANDMARKS.index(i) for i in (*OUTER_LIP, *INNER_LIP, *JAW)]
ACROSS = tuple(KEPT_LANDMARKS.index(i) for i in (13, 14))  # inner lips, upper and lower
ALONG = tuple(KEPT_LANDMARKS.index(i) for i in (61, 291))  # the corners
N_DISTANCES = 2


@dataclass(frozen=True)
class LipBatch:
    """B clips, T heard frames. windows [B, T, 12, 28]; lips [B, T, N]: opening, width, then where the points are, in spreads of
    all clips; counted [B, T]: 1 where the frame has lips and enough of its past was heard, else 0."""

    windows: Tensor
    lips: Tensor
    counted: Tensor


def lip_targets(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks [T, K, 2] of the canonical crop → [T, N], each number less its mean over the clip: whose face it is cannot be
    heard."""

    def distance(ends: tuple[int, ...]) -> NDArray[np.float32]:
        return np.asarray(np.linalg.norm(landmarks[:, ends[0]] - landmarks[:, ends[1]], axis=1)[:, None], np.float32)

    found = np.concatenate([distance(ACROSS), distance(ALONG), landmarks[:, MOVING].reshape(len(landmarks), -1)], 1)
    return np.asarray(found - found.mean(0), np.float32)
