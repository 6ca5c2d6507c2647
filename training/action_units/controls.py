"""Action units of synthetic clips, as they were set: exact, and not OpenFace's.

A unit occurs where its control is at least OCCURS; AU25 (lips part) has no control of its own: it occurs where the labelled inner
lips are apart. The controls are those of MakeHuman's face units: F1 and accuracy against them are comparable with no paper's.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from training.action_units.labels import ACTION_UNITS, Labels
from training.preprocessing import PreparedClip

OCCURS = 0.1  # of a control's full strength
PARTED = 0.03  # eye distances, as `geometric.py` has it
INNER_LIPS = ((61, 67), (62, 66), (63, 65))  # upper, lower, of the 68 landmarks
RIGHT_EYE, LEFT_EYE = (36, 39), (42, 45)


@dataclass(frozen=True)
class SyntheticControls:
    """FOLDER/ACTOR/CLIP.npz, as `facewire synthesize` writes them."""

    folder: Path

    @property
    def name(self) -> str:
        return "controls of synthetic clips"

    def of(self, clip: PreparedClip) -> Labels:
        """Raises ConfigError where the clip is no synthetic one of this folder, or its labels are damaged or of another
        length."""
        path = self.folder / f"{clip.key}.npz"
        try:
            with path.open("rb") as file, np.load(file) as data:
                names = [str(name) for name in data["action_unit_names"]]
                controls, points = data["action_units"].astype(np.float64), data["landmarks_2d"].astype(np.float64)
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise ConfigError(f"{clip.key}: no labels of a synthetic clip in {path} ({error})") from error
        if len(controls) != len(clip.landmarks):
            raise ConfigError(f"{path} has labels of {len(controls)} frames, the clip has {len(clip.landmarks)}")
        occurs = [_parted(points) if unit == "AU25" else controls[:, names.index(unit)] >= OCCURS for unit in ACTION_UNITS]
        return np.stack(occurs, 1)


def _parted(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    unit = np.linalg.norm(points[:, RIGHT_EYE].mean(1) - points[:, LEFT_EYE].mean(1), axis=1)
    gaps = [np.linalg.norm(points[:, upper] - points[:, lower], axis=1) for upper, lower in INNER_LIPS]
    return np.asarray(np.mean(gaps, 0) / unit >= PARTED)
