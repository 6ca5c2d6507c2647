"""The canonical crop: a face turned upright and scaled by its eyes and nose bridge, never by its mouth.

Head motion that no audio tells is so taken out before the mouth is drawn or judged. A *portrait's* crop is also stretched and
sheared once, so that its upper lip comes to one place: faces are long and short, and what a generator learnt on some must find
the mouth of any other.
Crop pixels: 112 x 112, eyes level at y = 27, 32 pixels apart; a wide-open jaw ends near y = 100.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

CROP_SIZE = 112
FLOW_CELLS = 28  # the flow head's field: one vector for each 4 x 4 crop pixels
MOUTH_BOX = (28, 52, 84, 92)  # x0, y0, x1, y1 in crop pixels: what the flow head may paint
PAINT_FINENESS = 2  # elements of that paint along a crop pixel: about one to a pixel of a portrait of 512

# Points of the face mesh that speech does not move.
RIGHT_EYE = (33, 133)  # outer, inner corner
LEFT_EYE = (362, 263)  # inner, outer corner
NOSE_BRIDGE = (168, 6, 197, 195)
UPPER_LIP = 13  # its inner rim, in the middle
EYE_LEVEL = 27.0
LIP_PLACE = (56.0, 64.0)  # of the upper lip in a portrait's crop
STRETCH = (0.75, 1.35)
# Mean positions over ten speakers, made symmetric (crop pixels).
_CANONICAL = np.array(
    [
        [32.8, 26.6],
        [47.2, 27.4],
        [64.8, 27.4],
        [79.2, 26.6],
        [56.0, 24.7],
        [56.0, 28.9],
        [56.0, 32.6],
        [56.0, 35.9],
    ]
)


def eye_centres(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Midpoints [2, 2] between the corners of the right and of the left eye, in the landmarks' own unit."""
    points = landmarks[:, :2].astype(np.float64)
    return np.stack([points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0)])


def eye_distance(landmarks: NDArray[np.float32]) -> float:
    """Distance between the eyes' midpoints, the unit of every length on a face."""
    right, left = eye_centres(landmarks)
    return float(np.hypot(*(left - right)))


def crop_to_image(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """The similarity [2, 3] that takes crop pixels to image pixels, least squares over eye corners and nose bridge."""
    stable = list(RIGHT_EYE + LEFT_EYE + NOSE_BRIDGE)
    return _similarity(_CANONICAL, landmarks[stable, :2].astype(np.float64))


def portrait_to_image(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """The affine map [2, 3] from a portrait's crop pixels to image pixels: `crop_to_image` with the face's own proportions."""
    to_image = crop_to_image(landmarks)
    lip = to_crop(landmarks[[UPPER_LIP]], to_image)[0]
    proportions = _with_row(np.asarray(cv2.invertAffineTransform(proportions_of(lip)), np.float64))
    return np.asarray((_with_row(to_image) @ proportions)[:2])


def proportions_of(lip: NDArray[np.float32]) -> NDArray[np.float64]:
    """The map [2, 3] of canonical crop pixels that brings the upper lip (x, y) to LIP_PLACE and leaves the line of the eyes."""
    drop = max(float(lip[1]) - EYE_LEVEL, 1.0)
    stretch = float(np.clip((LIP_PLACE[1] - EYE_LEVEL) / drop, *STRETCH))
    shear = (LIP_PLACE[0] - float(lip[0])) / drop
    return np.array([[1, shear, -shear * EYE_LEVEL], [0, stretch, EYE_LEVEL * (1 - stretch)]])


def cut(image: NDArray[np.uint8], to_image: NDArray[np.float64], size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """The aligned crop [size, size, 3] of an image, channels as they come."""
    scale = CROP_SIZE / size
    matrix = to_image.copy()
    matrix[:, 2] += matrix[:, :2] @ np.full(2, (scale - 1) / 2)
    matrix[:, :2] *= scale
    pixels_per_crop_pixel = float(np.hypot(*matrix[:, 0]))
    if pixels_per_crop_pixel > 1.5:  # shrink by area first, else fine texture turns into noise
        shrink = 1 / pixels_per_crop_pixel
        image = np.asarray(cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = np.diag([shrink, shrink]) @ matrix
        matrix[:, 2] += (shrink - 1) / 2
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def to_crop(landmarks: NDArray[np.float32], to_image: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks [N, 2] in crop pixels."""
    inverse = cv2.invertAffineTransform(to_image)
    return (landmarks[:, :2] @ inverse[:, :2].T + inverse[:, 2]).astype(np.float32)


def _with_row(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([affine, [0, 0, 1]])


def _similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least-squares rotation, scale and shift [2, 3] from source to target [N, 2].

    Source: S. Umeyama, *Least-squares estimation of transformation parameters*, IEEE PAMI 13(4), 1991, in two dimensions.
    """
    a, b = source - source.mean(0), target - target.mean(0)
    norm = (a**2).sum()
    cosine = (a * b).sum() / norm
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.hstack([linear, (target.mean(0) - linear @ source.mean(0))[:, None]])
