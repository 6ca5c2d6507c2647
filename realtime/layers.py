"""What a generator's head says about one frame, as the two layers that are laid on the portrait: a flow and a paint.

Both heads come to this one form. The compositor draws it here; the motion stream (realtime/motion) sends it and the receiver
draws it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX
from realtime.portrait import Portrait
from realtime.runners.runner import Arrays

Head = Literal["flow", "pixels"]
Box = tuple[int, int, int, int]
WHOLE: Box = (0, 0, CROP_SIZE, CROP_SIZE)
PAINT_BOX: dict[Head, Box] = {"flow": MOUTH_BOX, "pixels": WHOLE}
"""Where a head paints: x0, y0, x1, y1 in crop pixels; a paint has one element along each, or PAINT_FINENESS."""
COLOURFUL = 14.0  # mean spread of a face's channels from which on paint keeps its own colour; a grey photograph has 0
FEATHER = 12.0  # crop pixels over which a pasted crop fades in


@dataclass(frozen=True, kw_only=True)
class FaceLayers:
    """One frame. All zero is the portrait at rest.

    flow float32 [28, 28, 2]: whence a pixel comes, in crop pixels, x and y, one vector a cell. paint float32 [h, w, 4]: B, G, R
    0..255 multiplied by the mask, and the mask 0..1, over the head's PAINT_BOX.
    """

    flow: NDArray[np.float32]
    paint: NDArray[np.float32]


class LayerMaker:
    """A head's arrays → layers, for one portrait. Stateless between frames."""

    def __init__(self, portrait: Portrait, head: Head) -> None:
        self._head = head
        self._saturation = _saturation(portrait.crop)
        self._still = portrait.crop[: CROP_SIZE // 2, :, 2::-1].astype(np.float32)
        self._feather = fade(FEATHER)[..., None]

    def layers(self, outputs: Arrays, openness: float) -> FaceLayers:
        """outputs: the head's arrays for this frame; openness 0..1 from the mouth gate."""
        how_far = np.float32(openness)
        if self._head == "flow":
            flow = np.ascontiguousarray(outputs["flow"].transpose(1, 2, 0) * how_far, np.float32)
            return FaceLayers(flow=flow, paint=self._mouth(outputs["mouth"]) * how_far)
        still = np.zeros((FLOW_CELLS, FLOW_CELLS, 2), np.float32)
        return FaceLayers(flow=still, paint=self._crop(outputs["crop"]) * how_far)

    def _mouth(self, mouth: NDArray[np.float32]) -> NDArray[np.float32]:
        """R, G, B times mask, and mask [4, h, w], 0..1 → paint [h, w, 4]."""
        colour = mouth[2::-1].transpose(1, 2, 0) * np.float32(255)
        grey = colour.mean(2, keepdims=True)
        return np.dstack([grey + (colour - grey) * self._saturation, mouth[3]])

    def _crop(self, crop: NDArray[np.float32]) -> NDArray[np.float32]:
        """Crop [3, 112, 112] → paint [112, 112, 4]."""
        colour = crop.transpose(1, 2, 0)[..., ::-1] * np.float32(255)
        colour = colour + (self._still - colour[: CROP_SIZE // 2]).mean(
            (0, 1)
        )  # the upper face never moves: it tells the colour cast
        return np.dstack([colour * self._feather, self._feather])


def fade(pixels: float) -> NDArray[np.float32]:
    """[112, 112]: 0 on the crop's border, 1 from so many crop pixels on, smooth between."""
    to_border = np.minimum(np.arange(CROP_SIZE), CROP_SIZE - 1 - np.arange(CROP_SIZE))
    ramp = np.clip(to_border / pixels, 0, 1)
    smooth = ramp**2 * (3 - 2 * ramp)
    return np.asarray(smooth[:, None] * smooth[None, :], np.float32)


def _saturation(crop: NDArray[np.uint8]) -> np.float32:
    """0 for a grey photograph, 1 for one in colour: grey faces get grey mouths."""
    middle = crop[20:100, 25:87, :3].astype(np.float32)
    spread = float((middle.max(2) - middle.min(2)).mean())
    return np.float32(min(1.0, spread / COLOURFUL))
