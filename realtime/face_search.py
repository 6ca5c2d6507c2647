"""Every face in a photograph, small ones too.

The detector sees 128 x 128 pixels: a face much narrower than a tenth of the picture escapes it. So where the whole picture
shows none, overlapping windows of it are searched. And it takes wheels and flowers for faces now and then, so the mesh
network is asked too, and the detector again, close by: 0.75 and more on people, photographed or painted, under 0.7 on fish.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from realtime.face_landmarks import FaceLandmarker, region_of_box, region_of_landmarks

WINDOWS_A_SIDE = (1, 2, 4)  # of the longer side: searched in this order until there is a face
MIN_SCORE = 0.5  # of the mesh network
MIN_CLOSE_SCORE = 0.7  # of the detector
SAME_FACE = 0.5  # of a face's size: what lies closer than this to a known face is that face


def find_faces(landmarker: FaceLandmarker, photo: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Landmarks [478, 3] in pixels of each face in a photograph [H, W, 3] BGR, the largest first."""
    for n in WINDOWS_A_SIDE:
        faces: list[NDArray[np.float32]] = []
        for left, top, side in _windows(photo.shape[1], photo.shape[0], n):
            for face in _confirmed(landmarker, photo, left, top, side):
                if not any(_distance(face, known) < SAME_FACE * face_size(known) for known in faces):
                    faces.append(face)
        if faces:
            return sorted(faces, key=face_size, reverse=True)
    return []


def is_upside_down(landmarker: FaceLandmarker, photo: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> bool:
    """Whether a found face is better seen on its head: the mesh puts a mouth into a forehead when it must."""
    upright, reversed_ = _closer_look(landmarker, photo, landmarks)
    return reversed_ > upright


def face_size(landmarks: NDArray[np.float32]) -> float:
    """The longer side of the box around landmarks, in pixels."""
    return float(np.ptp(landmarks[:, :2], axis=0).max())


def _windows(width: int, height: int, n: int) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of squares that cover a picture, each overlapping its neighbours by half or more."""
    side = max(1, max(width, height) // n)
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, side


def _starts(length: int, side: int) -> list[int]:
    last = max(0, length - side)
    steps = -(-2 * last // side)
    return [round(last * i / max(1, steps)) for i in range(steps + 1)]


def _confirmed(
    landmarker: FaceLandmarker, photo: NDArray[np.uint8], left: int, top: int, side: int
) -> Iterator[NDArray[np.float32]]:
    """Landmarks of the faces in one window that the mesh network, too, holds to be faces."""
    for found in landmarker.detect(photo[top : top + side, left : left + side]):
        corner = np.array([left, top], np.float32)
        face = replace(found, box=found.box + np.tile(corner, 2), keypoints=found.keypoints + corner)
        points, score = landmarker.mesh(photo, region_of_box(face))
        if score >= MIN_SCORE:
            points, score = landmarker.mesh(photo, region_of_landmarks(points))  # framed by landmarks it is sharper
        if score >= MIN_SCORE and max(_closer_look(landmarker, photo, points)) >= MIN_CLOSE_SCORE:
            yield points


def _closer_look(landmarker: FaceLandmarker, photo: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """The detector's scores where the face fills half of what it sees: as it stands, and on its head."""
    reach = face_size(landmarks)
    x, y = landmarks[:, :2].mean(0)
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    around = photo[top : max(0, int(y + reach)), left : max(0, int(x + reach))]
    if around.size == 0:
        return 0.0, 0.0
    seen = landmarker.detect(around), landmarker.detect(np.ascontiguousarray(around[::-1, ::-1]))
    upright, reversed_ = (max((face.score for face in faces), default=0.0) for faces in seen)
    return upright, reversed_


def _distance(face: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.hypot(*(face[:, :2].mean(0) - other[:, :2].mean(0))))
