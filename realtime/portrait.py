"""A photograph → a portrait that can speak, or a refusal that says why."""

import io
import struct
import threading
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from realtime import alignment
from realtime.errors import PortraitError
from realtime.face_landmarks import FaceLandmarker
from realtime.face_search import face_size, find_faces, is_upside_down
from realtime.lip_map import INNER_LIP, OUTER_LIP, lip_map

MAX_BYTES = 8 * 2**20
MAX_PIXELS = 24_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
WORKING_SIDE = 1600  # larger photographs are shrunk first; the picture sent is 512 pixels
MIN_EYE_DISTANCE = 28.0  # pixels of the photograph
SECOND_FACE = 0.45  # a second face this large against the first is company, a smaller one is background
# On the mesh's own scale, which shortens depth. Looked at: Mona Lisa's yaw is 19; up to 24 a speaking mouth sits right, at 27 it
# is painted over the edge of the cheek.
MAX_DEGREES = {"roll": 35.0, "yaw": 25.0, "pitch": 30.0}
BROW_MIDDLE, CHIN, RIGHT_EDGE, LEFT_EDGE = 10, 152, 234, 454  # of the face mesh
EYE_DISTANCE_OF_SIDE = 0.17  # in the framed picture: head and shoulders
EYE_LEVEL_OF_SIDE = 0.42


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
    _check_turn(landmarks)
    x, y, side = _frame(photo.shape[1], photo.shape[0], (right + left) / 2, distance)
    scale = size / side
    shift = (scale - 1) / 2  # pixel centres: the window's first pixel becomes `scale` pixels
    to_frame = np.array([[scale, 0, shift - x * scale], [0, scale, shift - y * scale]])
    resampling = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(photo[y : y + side, x : x + side], (size, size), interpolation=resampling), np.uint8)
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
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise _too_large(f"has {width} x {height} pixels")
        picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
        flat = _flattened(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("has far more pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error) as error:
        raise PortraitError(
            "unreadable", "This is no JPEG, PNG or WebP picture that can be read: choose another file."
        ) from error
    flat.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(flat, np.uint8)[..., ::-1])


def _flattened(picture: Image.Image) -> Image.Image:
    """Any mode → RGB; what is transparent becomes white."""
    if picture.mode.startswith("I"):  # 16 bits a pixel
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    flat = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    flat.alpha_composite(picture.convert("RGBA"))
    return flat.convert("RGB")


def _too_large(what: str) -> PortraitError:
    return PortraitError("too_large", f"The photograph {what}, at most {MAX_PIXELS // 10**6} million are taken: save it smaller.")


_lock = threading.Lock()


@cache
def _landmarker() -> FaceLandmarker:
    return FaceLandmarker()


def _the_face(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks [478, 3] of the one face."""
    faces = find_faces(_landmarker(), photo)
    if not faces:
        raise PortraitError(
            "no_face", "No face was found: choose a photograph of one person, seen from the front, in good light."
        )
    if len(faces) > 1 and face_size(faces[1]) > SECOND_FACE * face_size(faces[0]):
        raise PortraitError("several_faces", "There is more than one face: choose or cut out a photograph of one person.")
    if is_upside_down(_landmarker(), photo, faces[0]):
        raise _turned()
    return faces[0]


def _check_turn(landmarks: NDArray[np.float32]) -> None:
    right, left = alignment.eye_centres(landmarks)
    across = (landmarks[LEFT_EDGE] - landmarks[RIGHT_EDGE]).astype(np.float64)
    down = (landmarks[CHIN] - landmarks[BROW_MIDDLE]).astype(np.float64)
    turned = {
        "roll": np.arctan2(left[1] - right[1], left[0] - right[0]),
        "yaw": np.arctan2(across[2], np.hypot(*across[:2])),
        "pitch": np.arctan2(down[2], np.hypot(*down[:2])),
    }
    if any(abs(np.degrees(angle)) > MAX_DEGREES[name] for name, angle in turned.items()):
        raise _turned()


def _turned() -> PortraitError:
    return PortraitError("turned", "The face is turned away: choose a photograph that looks into the camera, head upright.")


def _frame(width: int, height: int, eyes: NDArray[np.float64], distance: float) -> tuple[int, int, int]:
    """Left, top and side of the square to show: head and shoulders, never beyond the photograph's border."""
    side = int(min(distance / EYE_DISTANCE_OF_SIDE, width, height))
    left = int(np.clip(eyes[0] - side / 2, 0, width - side))
    top = int(np.clip(eyes[1] - EYE_LEVEL_OF_SIDE * side, 0, height - side))
    return left, top, side
