"""A photograph's lips: how far they are apart, what shuts them, and which points around them go with which lip."""

import numpy as np
from numpy.typing import NDArray

from training.synthetic import face_units

Points = NDArray[np.float64]

# From the picture's left, the two of a column facing each other.
UPPER_INNER, LOWER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_OUTER, LOWER_OUTER = (185, 40, 39, 37, 0, 267, 269, 270, 409), (146, 91, 181, 84, 17, 314, 405, 321, 375)
RIGHT_CORNER, LEFT_CORNER = (78, 62, 61), (308, 292, 291)
UPPER_SHARE = 0.35  # of the gap: the upper lip comes down so far, the lower one up the rest
TAPER = (0.38, 0.68, 0.88, 1.0)  # of the widest gap, from a corner to the middle
CLOSING_REACH = 0.35  # eye distances around the rims that follow when they meet
GOES_WITH_JAW = 0.15  # eye distances that a wide-open jaw takes a point: what goes farther belongs to the lower lip


class Lips:
    """points [478, 3] of the photograph; unit: its eye distance. gap: between the lips, in eye distances."""

    def __init__(self, points: Points, unit: float) -> None:
        self._points, self._unit = points, unit
        jaw = face_units.basis()[face_units.ACTION_UNITS.index("AU26"), :, 1]
        self._below = jaw > GOES_WITH_JAW
        self._between = points[list(LOWER_INNER)] - points[list(UPPER_INNER)]
        self.gap = float(np.linalg.norm(self._between, axis=1).mean()) / unit

    def closing(self) -> Points:
        """What brings the rims together: [478, 3]."""
        return self.spread(self._between * UPPER_SHARE, -self._between * (1 - UPPER_SHARE), CLOSING_REACH)

    def allowed(self, gap: Points) -> Points:
        """Gaps [9] that lips can have: none is negative, and towards the corners they narrow."""
        shut = np.maximum(gap, 0)
        taper = np.array(TAPER)
        return np.asarray(np.minimum(shut, np.concatenate([taper, [1.0], taper[::-1]]) * shut.max()))

    def spread(self, upper: Points, lower: Points, reach: float) -> Points:
        """Displacements of the two inner rims [9, 3] → of every point [478, 3]: as its nearest rim points of its own lip, less
        and less with the distance (reach, in eye distances)."""
        moved = np.zeros_like(self._points)
        for rim, values, mine in ((UPPER_INNER, upper, ~self._below), (LOWER_INNER, lower, self._below)):
            across = np.linalg.norm(self._points[mine, None, :2] - self._points[None, list(rim), :2], axis=2) / self._unit
            weight = np.exp(-((across / (0.3 * reach + 0.02)) ** 2)) + 1e-12
            fade = np.exp(-((across.min(1, keepdims=True) / reach) ** 2))
            moved[mine] = fade * (weight @ values) / weight.sum(1, keepdims=True)
            moved[list(rim)] = values
        for corner, end in ((RIGHT_CORNER, 0), (LEFT_CORNER, -1)):
            moved[list(corner)] = (upper[end] + lower[end]) / 2
        return moved
