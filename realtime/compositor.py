"""The generator's output → the whole picture, at the portrait's own resolution.

The portrait's own pixels are moved by the flow, and the paint is laid over them. Outside the face nothing is touched, and a
closed gate gives the portrait back, byte for byte.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE, FLOW_CELLS, PAINT_FINENESS
from realtime.layers import PAINT_BOX, Box, FaceLayers, Head, LayerMaker, fade
from realtime.portrait import Portrait
from realtime.runners.runner import Arrays

CELL = CROP_SIZE // FLOW_CELLS
STILL = 0.005  # crop pixels of flow that nobody sees
REACH = 2  # cells as far as which a flow is felt when it is enlarged
EDGE = 3.0  # crop pixels over which a flow fades in that did not end at the border by itself


class _Region:
    """A rectangle of crop pixels as a rectangle of image pixels: where it lies, and how to lay crop pictures into it."""

    def __init__(self, portrait: Portrait, box: Box, fineness: int = 1) -> None:
        """box: x0, y0, x1, y1 in crop pixels; fineness: how many pixels of a picture that is laid make a crop pixel."""
        x0, y0, x1, y1 = box
        to_image = portrait.crop_to_image
        corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) @ to_image[:, :2].T + to_image[:, 2]
        size = portrait.image.shape[0]
        self.left, self.top = (int(v) for v in np.clip(np.floor(corners.min(0)), 0, size))
        right, bottom = (int(v) for v in np.clip(np.ceil(corners.max(0)) + 1, 0, size))
        self.width, self.height = right - self.left, bottom - self.top
        self.rows, self.columns = slice(self.top, bottom), slice(self.left, right)
        self._from_box = to_image.copy()
        first_pixel = np.array([x0, y0]) + 0.5 / fineness - 0.5
        self._from_box[:, 2] += to_image[:, :2] @ first_pixel - (self.left, self.top)
        self._from_box[:, :2] /= fineness

    def lay(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """A picture of the box [h, w, C] → [height, width, C]; zero outside."""
        return np.asarray(cv2.warpAffine(picture, self._from_box, (self.width, self.height)), np.float32)


class Compositor:
    """Composes the frames of one portrait. Stateless between frames, so nothing can flicker or drift."""

    def __init__(self, portrait: Portrait, head: Head) -> None:
        self._portrait, self.head = portrait, head
        self._maker = LayerMaker(portrait, head)
        self._painted = _Region(portrait, PAINT_BOX[head], fineness=PAINT_FINENESS)
        x0, y0, x1, y1 = PAINT_BOX[head]
        self._fine = PAINT_FINENESS * (x1 - x0), PAINT_FINENESS * (y1 - y0)
        self._linear = portrait.crop_to_image[:, :2].astype(np.float32)
        self._still = _places(portrait.image.shape[0])
        self._edge = fade(EDGE)[..., None]

    def layers(self, outputs: Arrays, openness: float) -> FaceLayers:
        """outputs: the head's arrays for this frame; openness 0..1 from the mouth gate."""
        return self._maker.layers(outputs, openness)

    def compose(self, outputs: Arrays, openness: float) -> NDArray[np.uint8]:
        """One frame [S, S, 3] BGR, from what `layers` takes."""
        return self._portrait.image.copy() if openness <= 0 else self.draw(self.layers(outputs, openness))

    def draw(self, layers: FaceLayers) -> NDArray[np.uint8]:
        """The layers laid on the portrait [S, S, 3] BGR."""
        image = self._portrait.image.copy()
        if self.head == "flow":
            self._move(image, layers.flow)
        self._paint(image, layers.paint)
        return image

    def _move(self, image: NDArray[np.uint8], flow: NDArray[np.float32]) -> None:
        """From the uppermost row of cells that moves to the lowest: speech leaves the eyes and what is above them alone."""
        moving = np.flatnonzero((np.abs(flow) > STILL).any((1, 2)))
        if not len(moving):
            return
        top, bottom = max(0, CELL * (moving[0] - REACH)), min(CROP_SIZE, CELL * (moving[-1] + 1 + REACH))
        part = _Region(self._portrait, (0, top, CROP_SIZE, bottom))
        dense = np.asarray(cv2.resize(flow, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC), np.float32) * self._edge
        offsets = part.lay(np.asarray(dense[top:bottom] @ self._linear.T, np.float32))
        source = self._still[part.rows, part.columns] + offsets
        moved = cv2.remap(self._portrait.image, source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        image[part.rows, part.columns] = moved

    def _paint(self, image: NDArray[np.uint8], paint: NDArray[np.float32]) -> None:
        where = self._painted
        under = image[where.rows, where.columns].astype(np.float32)
        laid = where.lay(np.asarray(cv2.resize(paint, self._fine, interpolation=cv2.INTER_CUBIC), np.float32))
        mixed = under * (1 - laid[..., 3:]) + laid[..., :3]
        image[where.rows, where.columns] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


@cache
def _places(side: int) -> NDArray[np.float32]:
    """Every pixel's own x and y [side, side, 2], for all portraits of a size."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    return np.stack([x, y], -1)
