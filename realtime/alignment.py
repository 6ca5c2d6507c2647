"""The canonical crop: a face turned upright and scaled by its eyes and nose bridge, never by its mouth.

Head motion that no audio tells is so taken out before the mouth is drawn or judged.
Crop pixels: 112 x 112, eyes level at y = 27, 32 pixels apart; a wide-open jaw ends near y = 100.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

CROP_SIZE = 112
FLOW_CELLS = 28  # the flow head's field: one vector for each 4 x 4 crop pixels
MOUTH_BOX = (28, 52, 84, 92)  # x0, y0, x1, y1 in crop pixels: what the flow head may paint

# Points of the face mesh that speech does not move.
RIGHT_EYE = (33, 133)  # outer, inner corner
LEFT_EYE = (362, 263)  # inner, outer corner
NOSE_BRIDGE = (168, 6, 197, 195)
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
