"""One frame's layers ⇄ one vector: six planes as their cosine transforms, weighted by what a difference would look like.

Equal lengths in this vector are about equally visible, so one quantiser's step serves all of it. The flow of a textured face
weighs more than that of a smooth one: the portrait's own gradients say how much. Paint is taken relative to a reference colour,
what lies under it: then a mask that is a little wrong costs little.

# D length of a vector, h w height and width of the paint
planes: flow x [28, 28], flow y [28, 28], luma [h, w], blue difference [h, w], red difference [h, w], mask [h, w]
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from realtime.alignment import CROP_SIZE, FLOW_CELLS
from realtime.layers import PAINT_BOX, Box, FaceLayers, Head
from realtime.portrait import Portrait

Vector = NDArray[np.float32]
FROM_BGR = np.array([[0.114, 0.587, 0.299], [0.5, -0.331264, -0.168736], [-0.081312, -0.418688, 0.5]])  # JPEG's YCbCr (BT.601)
TO_BGR = np.array([[1, 1.772, 0], [1, -0.344136, -0.714136], [1, 0, 1.402]])
CHROMA_WEIGHT = 0.5  # against luma: eyes are less sharp for colour
MASK_WEIGHT = 60.0  # grey levels by which a mask that is wrong altogether shows, once the reference colour is taken away
MIN_GRADIENT = 1.0  # grey levels a pixel: also a smooth face has a lip line


@dataclass(frozen=True, kw_only=True)
class Field:
    """The layout of one portrait's vectors.

    box: where the paint lies, in crop pixels; weights: of the six planes; reference: B, G, R 0..255.
    """

    box: Box
    weights: tuple[float, ...]
    reference: tuple[int, int, int]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Heights and widths of the six planes."""
        x0, y0, x1, y1 = self.box
        return [(FLOW_CELLS, FLOW_CELLS)] * 2 + [(y1 - y0, x1 - x0)] * 4

    def vectors(self, layers: list[FaceLayers]) -> Vector:
        """Frames [N] → [N, D]; of paint that is finer than crop pixels, their means."""
        flow = np.stack([frame.flow for frame in layers]).astype(np.float32)
        x0, y0, x1, y1 = self.box
        size = x1 - x0, y1 - y0
        paint = np.stack([cv2.resize(frame.paint, size, interpolation=cv2.INTER_AREA) for frame in layers]).astype(np.float32)
        mask = paint[..., 3]
        colour = (paint[..., :3] - mask[..., None] * np.array(self.reference, np.float32)) @ FROM_BGR.T.astype(np.float32)
        planes = [flow[..., 0], flow[..., 1], colour[..., 0], colour[..., 1], colour[..., 2], mask]
        weighted = [plane * np.float32(weight) for plane, weight in zip(planes, self.weights, strict=True)]
        return np.concatenate([dctn(plane, axes=(1, 2), norm="ortho").reshape(len(layers), -1) for plane in weighted], 1)

    def layers(self, vector: Vector) -> FaceLayers:
        """A vector [D] → the frame."""
        planes, start = [], 0
        for (height, width), weight in zip(self.shapes, self.weights, strict=True):
            part = vector[start : start + height * width].reshape(height, width)
            planes.append(np.asarray(idctn(part, norm="ortho"), np.float32) / np.float32(weight))
            start += height * width
        colour = np.stack(planes[2:5], -1) @ TO_BGR.T.astype(np.float32) + planes[5][..., None] * np.array(
            self.reference, np.float32
        )
        paint = np.concatenate([colour, planes[5][..., None]], -1)
        return FaceLayers(flow=np.stack(planes[:2], -1), paint=np.asarray(paint, np.float32))


def field_of(portrait: Portrait, head: Head) -> Field:
    """The layout for a portrait, weighted by its own texture and colour."""
    box = PAINT_BOX[head]
    x0, y0, x1, y1 = box
    mouth = portrait.crop[y0:y1, x0:x1, 2::-1].reshape(-1, 3).astype(np.float64).mean(0)
    across, down = (max(MIN_GRADIENT, gradient) for gradient in _gradients(portrait))
    cell = CROP_SIZE / FLOW_CELLS
    weights = (cell * across, cell * down, 1.0, CHROMA_WEIGHT, CHROMA_WEIGHT, MASK_WEIGHT)
    as_carried = tuple(float(np.float32(weight)) for weight in weights)  # by the atlas: both ends reckon alike
    blue, green, red = (int(value) for value in mouth.round())
    return Field(box=box, weights=as_carried, reference=(blue, green, red))


def _gradients(portrait: Portrait) -> tuple[float, float]:
    """Root mean square difference, in grey levels, that one crop pixel's shift across and down makes on the lower face."""
    to_image = portrait.crop_to_image
    corners = np.array([[20, 50], [92, 50], [20, 100], [92, 100]]) @ to_image[:, :2].T + to_image[:, 2]
    (x0, y0), (x1, y1) = np.clip(corners.min(0), 0, None).astype(int), corners.max(0).astype(int)
    grey = cv2.cvtColor(portrait.image[y0 : y1 + 1, x0 : x1 + 1], cv2.COLOR_BGR2GRAY).astype(np.float64)
    pixels = np.sqrt(abs(np.linalg.det(to_image[:, :2])))
    rms = [float(np.sqrt((np.diff(grey, axis=axis) ** 2).mean())) for axis in (1, 0)]
    return float(pixels * rms[0]), float(pixels * rms[1])
