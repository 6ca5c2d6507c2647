"""Where a portrait's lips are, as a picture: the generator's fourth input channel."""

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE

# Both rims of the lips on the face mesh, once around.
OUTER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LIPS, OPENING = 128, 255
SUBPIXEL_BITS = 4


def lip_map(outer: NDArray[np.float32], inner: NDArray[np.float32], fineness: int = 1) -> NDArray[np.uint8]:
    """Rims [20, 2] in crop pixels → [112, 112] times fineness: 0 skin, 128 lips, 255 between them."""
    drawn = np.zeros((fineness * CROP_SIZE, fineness * CROP_SIZE), np.uint8)
    for rim, value in ((outer, LIPS), (inner, OPENING)):
        places = (rim + 0.5) * fineness - 0.5
        polygon = np.round(places * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(drawn, [polygon], value, cv2.LINE_AA, SUBPIXEL_BITS)
    return drawn
