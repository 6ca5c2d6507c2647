"""The generator's output → the whole picture, at the portrait's own resolution.

Flow head: the portrait's own pixels are moved, and what lies between the lips is painted over them. Pixel head: the crop is
pasted back, feathered and colour-matched. Outside the face nothing is touched, and a closed gate gives the portrait back,
byte for byte.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX
from realtime.portrait import Portrait
from realtime.runners.runner import Arrays

Head = Literal["flow", "pixels"]
CELL = CROP_SIZE // FLOW_CELLS
COLOURFUL = 14.0  # mean spread of a face's channels from which on paint keeps its own colour; a grey photograph has 0
FEATHER = 12.0  # crop pixels over which a pasted crop fades in
DETAIL = 1.0  # how much painted detail is strengthened; looked at: 2 makes stripes of teeth
DETAIL_PIXELS = 2.0  # its size in crop pixels
CONTRAST = 1.2
EDGE = 3.0  # crop pixels over which a flow fades in that did not end at the border by itself


class _Region:
    """A rectangle of crop pixels as a rectangle of image pixels: where it lies, and how to lay crop pictures into it."""

    def __init__(self, portrait: Portrait, box: tuple[int, int, int, int], fineness: int = 1) -> None:
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
        self._portrait, self._head = portrait, head
        whole = (0, 0, CROP_SIZE, CROP_SIZE)
        self._face = _Region(portrait, whole)
        self._fine = _Region(portrait, whole, fineness=2)
        self._mouth = _Region(portrait, MOUTH_BOX, fineness=2)
        self._linear = portrait.crop_to_image[:, :2].astype(np.float32)
        y, x = np.mgrid[self._face.rows, self._face.columns].astype(np.float32)
        self._still = np.stack([x, y], -1)
        self._saturation = _saturation(portrait.crop)
        self._edge = _fade(EDGE)[..., None]
        self._feather = self._face.lay(_fade(FEATHER)[..., None])[..., None]

    def compose(self, outputs: Arrays, openness: float) -> NDArray[np.uint8]:
        """One frame [S, S, 3] BGR. outputs: the head's arrays for this frame; openness 0..1 from the mouth gate."""
        image = self._portrait.image.copy()
        if openness > 0:
            draw = self._move_and_paint if self._head == "flow" else self._paste
            draw(image, outputs, np.float32(openness))
        return image

    def _move_and_paint(self, image: NDArray[np.uint8], outputs: Arrays, openness: np.float32) -> None:
        face, mouth = self._face, self._mouth
        flow = outputs["flow"].transpose(1, 2, 0) * openness
        dense = np.asarray(cv2.resize(flow, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC), np.float32) * self._edge
        offsets = face.lay(np.asarray(dense @ self._linear.T, np.float32))
        source = self._still + offsets
        moved = cv2.remap(self._portrait.image, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        image[face.rows, face.columns] = moved
        paint = cv2.resize(self._paint(outputs["mouth"]), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        under = image[mouth.rows, mouth.columns].astype(np.float32)
        laid = mouth.lay(np.asarray(paint, np.float32)) * openness
        mixed = under * (1 - laid[..., 3:]) + laid[..., :3]
        image[mouth.rows, mouth.columns] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)

    def _paint(self, mouth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Patch [4, 40, 56] → [40, 56, 4]: B, G, R 0..255 multiplied by the mask, so that all can be laid alike, and the mask."""
        colour = mouth[2::-1].transpose(1, 2, 0) * np.float32(255)
        mask = mouth[3]
        grey = colour.mean(2)
        crisp = _crisp(grey, mask)[..., None] + (colour - grey[..., None]) * self._saturation
        return np.dstack([np.clip(crisp, 0, 255) * mask[..., None], mask])

    def _paste(self, image: NDArray[np.uint8], outputs: Arrays, openness: np.float32) -> None:
        face = self._face
        crop = outputs["crop"].transpose(1, 2, 0)[..., ::-1] * np.float32(255)
        still = self._portrait.crop[: CROP_SIZE // 2, :, 2::-1].astype(np.float32)
        crop = crop + (still - crop[: CROP_SIZE // 2]).mean((0, 1))  # the upper face never moves: it tells the colour cast
        under = image[face.rows, face.columns].astype(np.float32)
        pasted = self._fine.lay(np.asarray(cv2.resize(crop, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.float32))
        mixed = under + (pasted - under) * (self._feather * openness)
        image[face.rows, face.columns] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _crisp(grey: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Painted brightness [h, w] with some of the contrast that a network trained on mean differences leaves out.

    Averages are taken under the mask alone: what lies beyond it was never meant to be seen.
    """
    around = cv2.GaussianBlur(grey * mask, (0, 0), DETAIL_PIXELS) + np.float32(1e-3) * grey
    smooth = around / (cv2.GaussianBlur(mask, (0, 0), DETAIL_PIXELS) + np.float32(1e-3))
    mean = (np.sum(grey * mask) + grey.mean()) / (mask.sum() + 1)
    return np.asarray(mean + CONTRAST * (grey + DETAIL * (grey - smooth) - mean), np.float32)


def _saturation(crop: NDArray[np.uint8]) -> np.float32:
    """0 for a grey photograph, 1 for one in colour: grey faces get grey mouths."""
    middle = crop[20:100, 25:87, :3].astype(np.float32)
    spread = float((middle.max(2) - middle.min(2)).mean())
    return np.float32(min(1.0, spread / COLOURFUL))


def _fade(pixels: float) -> NDArray[np.float32]:
    """[112, 112]: 0 on the crop's border, 1 from so many crop pixels on, smooth between."""
    to_border = np.minimum(np.arange(CROP_SIZE), CROP_SIZE - 1 - np.arange(CROP_SIZE))
    ramp = np.clip(to_border / pixels, 0, 1)
    smooth = ramp**2 * (3 - 2 * ramp)
    return np.asarray(smooth[:, None] * smooth[None, :], np.float32)
