"""A small atlas, learnt from made-up frames: what tests of the motion stream hold in their hands."""

import numpy as np

from realtime.layers import FaceLayers
from realtime.motion.atlas import Atlas
from realtime.motion.basis import learn
from realtime.motion.field import Field

FIELD = Field(box=(28, 52, 84, 92), weights=(20.0, 30.0, 1.0, 0.5, 0.5, 60.0), reference=(90, 100, 140))
TO_PICTURE = np.array([[0.004, 0, 0.3], [0, 0.004, 0.35]])


def made_up_frames(count: int, seed: int = 0) -> list[FaceLayers]:
    """A mouth that opens and spreads, each in its own rhythm; the first frame is at rest."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[0:28, 0:28] / 27.0
    bump = np.exp(-((row - 0.7) ** 2 + (column - 0.5) ** 2) * 12)
    y, x = np.mgrid[0:40, 0:56]
    inside = np.clip(1.2 - ((x - 28) / 16) ** 2 - ((y - 18) / 9) ** 2, 0, 1)
    teeth = 60 + 120 * (y < 16)
    opening = np.abs(np.cumsum(rng.normal(0, 0.2, count)))
    width = np.cumsum(rng.normal(0, 0.1, count))
    frames = []
    for i in range(count):
        far = min(1.0, float(opening[i])) * (i > 0)
        flow = np.stack([bump * width[i] * far * (column - 0.5), -6 * bump * far], -1)
        mask = inside * far
        paint = np.dstack([teeth * mask, teeth * mask, (teeth + 20) * mask, mask])
        frames.append(FaceLayers(flow=flow.astype(np.float32), paint=paint.astype(np.float32)))
    return frames


def made_up_atlas(identity: int = 7) -> Atlas:
    """Learnt from 200 of them."""
    return learn(FIELD.vectors(made_up_frames(200)), FIELD, TO_PICTURE, identity)
