"""The lips as a picture, as fine as is asked for."""

import numpy as np
import pytest

from realtime.lip_map import LIPS, lip_map


@pytest.mark.parametrize("fineness", [1, 2])
def test_lips_lie_where_the_landmarks_are(fineness: int) -> None:
    """Crop pixel p is the elements 2p and 2p + 1: its middle lies at 2p + 0.5."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    around = np.stack([np.cos(angle), np.sin(angle)], 1)
    middle = np.array([52.25, 70.5])
    drawn = lip_map((middle + around * (20, 12)).astype(np.float32), (middle + around * (14, 6)).astype(np.float32), fineness)
    assert drawn.shape == (112 * fineness, 112 * fineness)
    y, x = (np.average(places, weights=np.clip(drawn - float(LIPS), 0, None)) for places in np.indices(drawn.shape))
    assert ((x + 0.5) / fineness - 0.5, (y + 0.5) / fineness - 0.5) == pytest.approx(tuple(middle), abs=0.1)
