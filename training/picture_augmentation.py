"""Few faces as many: one random light, camera, face shape and smile for all pictures of an example."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE

SMILING = 0.35  # share of looks
OUT, UP = 6.0, 4.0  # crop pixels that a corner of the mouth moves at most
REACH = 9.0  # crop pixels, the spread of what moves with a corner
INVERTING = 8  # steps; each halves the error and more


@dataclass(frozen=True, kw_only=True)
class Smile:
    """Corners [2, 2] of the mouth and how far each is drawn [2, 2], in crop pixels; what is near goes along. The same field lies
    on an open mouth and on a closed one: somebody who smiles while speaking."""

    corners: NDArray[np.float64]
    drawn: NDArray[np.float64]

    def moved(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the smile puts points [..., 2]."""
        return points + self._along(points)

    def from_where(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the smile puts at points [..., 2]: the inverse of `moved`."""
        before = points
        for _ in range(INVERTING):
            before = points - self._along(before)
        return before

    def _along(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        away = ((points[..., None, :] - self.corners) ** 2).sum(-1)
        return np.asarray(np.exp(-away / (2 * REACH**2)) @ self.drawn)


@dataclass(frozen=True, kw_only=True)
class Look:
    """colour [3, 3] mixes the channels, curve [256, 1, 3] maps their values; smile, then shape [2, 3], move crop pixels."""

    colour: NDArray[np.float32]
    curve: NDArray[np.uint8]
    shape: NDArray[np.float64]
    smile: Smile | None = None

    def picture(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The crop [112, 112, 3] in this look."""
        mixed = cv2.transform(cv2.LUT(crop, self.curve), self.colour)
        x, y = self._sources
        return np.asarray(cv2.remap(mixed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def points(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Landmarks [..., 2] (crop pixels) where this look puts them."""
        smiling = landmarks if self.smile is None else self.smile.moved(landmarks.astype(np.float64))
        return (smiling @ self.shape[:, :2].T + self.shape[:, 2]).astype(np.float32)

    @cached_property
    def _sources(self) -> NDArray[np.float32]:
        """x and y [2, 112, 112] of the crop pixel that comes to each pixel."""
        y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float64)
        points = (np.stack([x, y], -1) - self.shape[:, 2]) @ np.linalg.inv(self.shape[:, :2]).T
        before = points if self.smile is None else self.smile.from_where(points)
        return np.ascontiguousarray(before.transpose(2, 0, 1), np.float32)


def random_look(rng: np.random.Generator, proportions: NDArray[np.float64], corners: NDArray[np.float32]) -> Look:
    """On top of the portrait's proportions [2, 3]: mirrored or not; a little wider or longer, shifted; warmer or colder,
    brighter or, down to a poorly lit room, darker, more or less colourful; smiling or not. corners [2, 2]: of the portrait's
    mouth, right and left.

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
        smile=_random_smile(rng, corners) if rng.random() < SMILING else None,
    )


def _random_smile(rng: np.random.Generator, corners: NDArray[np.float32]) -> Smile:
    out, up = rng.uniform(0, OUT), rng.uniform(0, UP)
    return Smile(corners=corners.astype(np.float64), drawn=np.array([[-out, -up], [out, -up]]) * rng.uniform(0.8, 1, (2, 1)))


def _after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine map [2, 3] that does `first`, then `second`."""
    return np.hstack([second[:, :2] @ first[:, :2], (second[:, :2] @ first[:, 2] + second[:, 2])[:, None]])
