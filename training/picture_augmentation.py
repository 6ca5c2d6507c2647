"""Few faces as many: one random light, camera and face shape for all pictures of an example."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE


@dataclass(frozen=True, kw_only=True)
class Look:
    """colour [3, 3] mixes the channels, curve [256, 1, 3] maps their values, shape [2, 3] moves crop pixels."""

    colour: NDArray[np.float32]
    curve: NDArray[np.uint8]
    shape: NDArray[np.float64]

    def picture(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The crop [112, 112, 3] in this look."""
        mixed = cv2.transform(cv2.LUT(crop, self.curve), self.colour)
        size = (CROP_SIZE, CROP_SIZE)
        out = cv2.warpAffine(mixed, self.shape, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(out, np.uint8)

    def points(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Landmarks [..., 2] (crop pixels) where this look puts them."""
        return (landmarks @ self.shape[:, :2].T + self.shape[:, 2]).astype(np.float32)


def random_look(rng: np.random.Generator, proportions: NDArray[np.float64]) -> Look:
    """On top of the portrait's proportions [2, 3]: mirrored or not; a little wider or longer, shifted; warmer or colder,
    brighter or, down to a poorly lit room, darker, more or less colourful.

    Mirroring needs no relabelled landmarks: the losses only compare a landmark with itself in the same look.
    """
    grey = np.array([0.299, 0.587, 0.114])
    saturation = rng.uniform(0.15, 1.3)
    colour = saturation * np.eye(3) + (1 - saturation) * grey[None, :]
    gain, gamma = np.exp(rng.uniform(np.log(0.45), np.log(1.25))) * rng.uniform(0.88, 1.12, 3), rng.uniform(0.7, 1.5)
    curve = 255 * np.clip((np.arange(256)[:, None] / 255) ** gamma * gain, 0, 1)
    width, height = rng.uniform(0.91, 1.09), rng.uniform(0.95, 1.05)
    mirror = -1 if rng.random() < 0.5 else 1
    linear = np.diag([mirror * width, height])
    centre = np.full(2, (CROP_SIZE - 1) / 2)
    shift = rng.uniform(-1.5, 1.5, 2)
    return Look(
        colour=colour.astype(np.float32),
        curve=np.round(curve).astype(np.uint8)[:, None],
        shape=_after(np.hstack([linear, (centre + shift - linear @ centre)[:, None]]), proportions),
    )


def _after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine map [2, 3] that does `first`, then `second`."""
    return np.hstack([second[:, :2] @ first[:, :2], (second[:, :2] @ first[:, 2] + second[:, 2])[:, None]])
