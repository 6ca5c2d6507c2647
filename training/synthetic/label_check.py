"""Do the labels fit the pictures? An independent landmark detector looks at the finished films.

It is the project's own (realtime/face_landmarks.py): it drew up the actors' meshes from one still photograph each, and has never
seen what the units, the head's pose and the warp made of them. Its own tremble on real video is some 0.004 eye distances.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker, FaceTracker
from training.evaluation import lips
from training.media import read_frames
from training.synthetic.ibug68 import INNER_LIPS, MESH_POINTS, OUTER_LIPS

MAX_ERROR = 0.06  # eye distances, mean over the 51 points within the face
MIN_OPENING = 0.8  # detail correlation
RIGHT_EYE, LEFT_EYE = (36, 39), (42, 45)  # corners, of the 68
UPPER, LOWER, RIGHT_CORNER, LEFT_CORNER = (MESH_POINTS.index(point) for point in (13, 14, 61, 291))
JAW_POINTS = 17


@dataclass(frozen=True, kw_only=True)
class Check:
    """Of one clip. error: mean distance of label and detection in eye distances, points within the face; mouth_error: of lips
    alone; opening, width: detail correlation of the two; faceless: frames in which nothing was found."""

    clip: str
    error: float
    mouth_error: float
    opening: float
    width: float
    faceless: int

    @property
    def passed(self) -> bool:
        return self.faceless == 0 and self.error <= MAX_ERROR and self.opening >= MIN_OPENING

    def row(self) -> dict[str, float | int | str | bool]:
        """For the record."""
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return rounded | {"passed": self.passed}


def check_clip(film: Path, landmarker: FaceLandmarker) -> Check:
    """film: ACTOR/NNNNN.mkv, its labels beside it.

    Raises ConfigError where it has none.
    """
    labels_file = film.with_suffix(".npz")
    if not labels_file.exists():
        raise ConfigError(f"{film} has no labels beside it: {labels_file.name} was expected; remove the film, it is made again")
    with np.load(labels_file) as data:
        labels = data["landmarks_2d"].astype(np.float64)
    tracker = FaceTracker(landmarker)
    tracked = [tracker.track(frame) for frame in read_frames(film)]
    seen = [index for index, points in enumerate(tracked) if points is not None]
    if not seen:
        return Check(clip=_name(film), error=np.inf, mouth_error=np.inf, opening=0.0, width=0.0, faceless=len(tracked))
    found = np.stack([points[list(MESH_POINTS), :2] for points in tracked if points is not None])
    return compare(_name(film), labels[seen], found.astype(np.float64), faceless=len(tracked) - len(seen))


def compare(name: str, labels: NDArray[np.float64], found: NDArray[np.float64], *, faceless: int = 0) -> Check:
    """Two series of 68 landmarks [T, 68, 2] in pixels."""
    unit = float(np.median(_eye_distance(labels)))
    distance = np.linalg.norm(labels - found, axis=2) / unit
    mouth = slice(len(MESH_POINTS) - len(OUTER_LIPS + INNER_LIPS), None)
    (opening, width), (opening_found, width_found) = _motion(labels, unit), _motion(found, unit)
    return Check(
        clip=name,
        error=float(distance[:, JAW_POINTS:].mean()),
        mouth_error=float(distance[:, mouth].mean()),
        opening=lips.detail_correlation(opening, opening_found),
        width=lips.detail_correlation(width, width_found),
        faceless=faceless,
    )


def _eye_distance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    right, left = points[:, RIGHT_EYE].mean(1), points[:, LEFT_EYE].mean(1)
    return np.asarray(np.linalg.norm(left - right, axis=1))


def _motion(points: NDArray[np.float64], unit: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    across = np.linalg.norm(points[:, UPPER] - points[:, LOWER], axis=1)
    along = np.linalg.norm(points[:, RIGHT_CORNER] - points[:, LEFT_CORNER], axis=1)
    return across / unit, along / unit


def _name(film: Path) -> str:
    return f"{film.parent.name}/{film.stem}"
