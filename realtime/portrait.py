"""A photograph → a portrait that can speak, or a refusal that says why."""

import io
import threading
import warnings
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from realtime import alignment
from realtime.errors import PortraitError
from realtime.face_landmarks import FaceBox, FaceLandmarker
from realtime.lip_map import INNER_LIP, OUTER_LIP, lip_map

MAX_BYTES = 8 * 2**20
MAX_PIXELS = 24_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
WORKING_SIDE = 1600  # larger photographs are shrunk first; the picture sent is 512 pixels
MIN_EYE_DISTANCE = 28.0  # pixels of the photograph
SECOND_FACE = 0.45  # a second face this large against the first is company, a smaller one is background
MAX_ROLL_DEGREES = 35.0
MAX_YAW = 0.38  # of the nose's way from the face's middle to its edge
EYE_DISTANCE_OF_SIDE = 0.2  # in the framed picture
EYE_LEVEL_OF_SIDE = 0.43


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A framed face.

    image uint8 [S, S, 3] BGR; crop uint8 [112, 112, 4], what generators see: the canonical crop, RGB, and its lip map;
    crop_to_image float64 [2, 3] takes crop pixels to image pixels; landmarks float32 [478, 2] in image pixels.
    """

    image: NDArray[np.uint8]
    crop: NDArray[np.uint8]
    crop_to_image: NDArray[np.float64]
    landmarks: NDArray[np.float32]


def prepare_portrait(data: bytes, size: int = 512) -> Portrait:
    """Reads, checks and frames a photograph.

    Raises PortraitError with one of the reasons unreadable, too_large, no_face, several_faces, too_small, turned.
    """
    return frame_portrait(decode(data), size)


def frame_portrait(photo: NDArray[np.uint8], size: int = 512) -> Portrait:
    """Finds and frames the one face in a decoded photograph [H, W, 3] BGR.

    Raises PortraitError.
    """
    with _lock:
        landmarks = _the_face(photo)
    right, left = alignment.eye_centres(landmarks)
    distance = alignment.eye_distance(landmarks)
    if distance < MIN_EYE_DISTANCE:
        raise PortraitError(
            "too_small",
            f"The eyes are {distance:.0f} pixels apart, {MIN_EYE_DISTANCE:.0f} are needed: choose a closer or larger photograph.",
        )
    _check_turn(landmarks, right, left)
    x, y, side = _frame(photo.shape[1], photo.shape[0], (right + left) / 2, distance)
    scale = size / side
    to_frame = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    shrinking = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    window = photo[round(y) : round(y) + round(side), round(x) : round(x) + round(side)]
    image = np.asarray(cv2.resize(window, (size, size), interpolation=shrinking), np.uint8)
    framed = (landmarks[:, :2] @ to_frame[:, :2].T + to_frame[:, 2]).astype(np.float32)
    to_image = alignment.portrait_to_image(framed)
    in_crop = alignment.to_crop(framed, to_image)
    lips = lip_map(in_crop[list(OUTER_LIP)], in_crop[list(INNER_LIP)])
    crop = np.dstack([alignment.cut(image[..., ::-1], to_image), lips])
    return Portrait(image=image, crop=crop, crop_to_image=to_image, landmarks=framed)


def decode(data: bytes) -> NDArray[np.uint8]:
    """Bytes of a JPEG, PNG or WebP file → [H, W, 3] BGR, upright, at most 1600 pixels long; sizes are checked before pixels
    are read.

    Raises PortraitError: unreadable, too_large.
    """
    if len(data) > MAX_BYTES:
        raise PortraitError(
            "too_large", f"The file has {len(data) / 2**20:.1f} MB, at most {MAX_BYTES // 2**20} are taken: save it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise PortraitError(
                "too_large",
                f"The photograph has {width} x {height} pixels, at most {MAX_PIXELS // 10**6} million are taken: shrink it.",
            )
        picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
        flat = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        flat.alpha_composite(upright.convert("RGBA"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise PortraitError(
            "unreadable", "This is no JPEG, PNG or WebP picture that can be read: choose another file."
        ) from error
    return np.ascontiguousarray(np.asarray(flat.convert("RGB"), np.uint8)[..., ::-1])


_lock = threading.Lock()


@cache
def _landmarker() -> FaceLandmarker:
    return FaceLandmarker()


def _the_face(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks [478, 2] of the one face."""
    landmarker = _landmarker()
    faces = sorted(landmarker.detect(photo), key=_side, reverse=True)
    if not faces:
        raise PortraitError(
            "no_face", "No face was found: choose a photograph of one person, seen from the front, in good light."
        )
    if len(faces) > 1 and _side(faces[1]) > SECOND_FACE * _side(faces[0]):
        raise PortraitError("several_faces", "There is more than one face: choose or cut out a photograph of one person.")
    return landmarker.find(photo, faces[0])[:, :2]


def _side(face: FaceBox) -> float:
    x0, y0, x1, y1 = face.box
    return float(max(x1 - x0, y1 - y0))


def _check_turn(landmarks: NDArray[np.float32], right: NDArray[np.float64], left: NDArray[np.float64]) -> None:
    """Roll from the line of the eyes; yaw from where the nose stands between the face's edges."""
    roll = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
    along = (left - right) / np.hypot(*(left - right))
    nose, right_edge, left_edge = (float(landmarks[i, :2] @ along) for i in (4, 234, 454))
    yaw = abs((nose - right_edge) - (left_edge - nose)) / max(left_edge - right_edge, 1e-6)
    if abs(roll) > MAX_ROLL_DEGREES or yaw > MAX_YAW:
        raise PortraitError("turned", "The face is turned away: choose a photograph that looks into the camera, head upright.")


def _frame(width: int, height: int, eyes: NDArray[np.float64], distance: float) -> tuple[float, float, float]:
    """Left, top and side of the square to show: head and shoulders, never beyond the photograph's border."""
    side = min(distance / EYE_DISTANCE_OF_SIDE, width, height)
    x = np.clip(eyes[0] - side / 2, 0, width - side)
    y = np.clip(eyes[1] - EYE_LEVEL_OF_SIDE * side, 0, height - side)
    return float(np.floor(x)), float(np.floor(y)), float(np.floor(side))
