"""Action units that the user had OpenFace find: its tables, read, checked, and laid on the corpus's 25 frames a second.

`FeatureExtraction` of OpenFace 2.x writes one CSV a video: a row a frame, with `timestamp` (seconds), `confidence`, `success`,
and for each unit its intensity `AU10_r` (0 to 5) and its presence `AU10_c` (0 or 1). The presence is the label; the intensity
is only checked.
Source: T. Baltrušaitis et al., *OpenFace 2.0*, FG 2018. OpenFace's own licence is for research; nothing of it is here.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from training.action_units.labels import ACTION_UNITS, Labels
from training.preprocessing import FRAME_RATE, PreparedClip

MAX_GAP_S = 0.1  # a frame without a face takes the label of one at most so far away
MAX_INTENSITY = 5.0
COLUMNS = ("timestamp", "success", *(f"{unit}{end}" for unit in ACTION_UNITS for end in ("_r", "_c")))


@dataclass(frozen=True)
class OpenFaceTables:
    """FOLDER/SPEAKER/CLIP.csv, or FOLDER/SPEAKER_CLIP.csv."""

    folder: Path

    @property
    def name(self) -> str:
        return "OpenFace 2.x"

    def of(self, clip: PreparedClip) -> Labels:
        """Raises ConfigError where the table is missing, damaged, or of another video's length."""
        path = self.folder / f"{clip.key}.csv"
        flat = self.folder / f"{clip.key.replace('/', '_')}.csv"
        return read_table(path if path.exists() or not flat.exists() else flat, len(clip.landmarks))


def read_table(path: Path, n_frames: int) -> Labels:
    """The presence of each unit in the first n_frames frames at 25 a second [n_frames, 5]: of the nearest row with a face.

    Raises ConfigError.
    """
    values = _read(path)
    seen = values[:, 1] == 1
    times, present = values[seen, 0], values[seen, 3::2] == 1
    if not len(times):
        raise ConfigError(f"{path}: OpenFace found no face in any frame")
    wanted = np.arange(n_frames) / FRAME_RATE
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    nearest = np.where(wanted - times[before] <= times[after] - wanted, before, after)
    gaps = np.abs(times[nearest] - wanted)
    if gaps.max() > MAX_GAP_S:
        worst = int(gaps.argmax())
        raise ConfigError(
            f"{path}: no face within {MAX_GAP_S:g} s of frame {worst} ({wanted[worst]:.2f} s): another video's table?"
        )
    return np.asarray(present[nearest], np.bool_)


def _read(path: Path) -> NDArray[np.float64]:
    """Columns as in COLUMNS, a row a frame, checked."""
    try:
        with path.open(newline="") as file:
            rows = csv.reader(file)
            names = [name.strip() for name in next(rows, [])]  # OpenFace sets a space before each name
            if missing := [name for name in COLUMNS if name not in names]:
                raise ConfigError(f"{path}: no column {', '.join(missing)}: a table of OpenFace 2.x with -aus was expected")
            places = [names.index(name) for name in COLUMNS]
            values = np.array([[float(row[i]) for i in places] for row in rows if row], np.float64)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: OpenFace's table of that clip was expected") from None
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(f"{path} is damaged ({error})") from error
    if not len(values):
        raise ConfigError(f"{path} has no rows")
    if not np.isfinite(values).all() or (np.diff(values[:, 0]) <= 0).any():
        raise ConfigError(f"{path}: timestamps that rise and numbers throughout were expected: one face a video")
    flags, intensities = values[:, [1, *range(3, len(COLUMNS), 2)]], values[:, 2::2]
    if not np.isin(flags, (0, 1)).all() or intensities.min() < 0 or intensities.max() > MAX_INTENSITY:
        raise ConfigError(f"{path}: presence of 0 or 1 and intensity of 0 to {MAX_INTENSITY:g} were expected")
    return values
