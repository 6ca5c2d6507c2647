"""Skin and lips in other colours, what lies between the lips as it was, or as daylight would have it.

A painter that knows a handful of faces learns that a mouth's inside has its lips' colour: behind lipstick its teeth are pink, and
in dark skin dark. Here the one says nothing of the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.lip_map import LIPS, OPENING, lip_map

DARKEST, LIGHTEST = 0.5, 1.2  # of a recorded skin's brightness
RED_STAYS = np.array([0.8, 1.0, 1.15])  # R, G, B: dark skin is redder
MADE_UP_FOR = (0.1, 0.6)  # of the skin's darkness, by the camera's exposure; more burns teeth out, to one white band
DAYLIGHT = np.array([0.97, 1.0, 1.3])  # R, G, B: what GRID's lamps take from teeth, or a part of it
GREY = 0.1  # share of black-and-white photographs


@dataclass(frozen=True, kw_only=True)
class MakeUp:
    """skin, lips, inside: factors [3] on R, G, B; exposure: on everything; grey: without any colour."""

    skin: NDArray[np.float32]
    lips: NDArray[np.float32]
    inside: NDArray[np.float32]
    exposure: float
    grey: bool = False

    def on(self, crop: NDArray[np.uint8], outer: NDArray[np.float32], inner: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The crop [112, 112, 3] of a face whose lips have these rims [20, 2], in crop pixels."""
        where = lip_map(outer, inner).astype(np.float32)
        skin = np.clip(1 - where / LIPS, 0, 1)[..., None]
        lips = np.clip(1 - np.abs(where - LIPS) / (OPENING - LIPS), 0, 1)[..., None]
        inside = 1 - skin - lips
        made_up = crop * self.exposure * (skin * self.skin + lips * self.lips + inside * self.inside)
        if self.grey:
            made_up = np.repeat(cv2.cvtColor(made_up.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        return np.clip(made_up + 0.5, 0, 255).astype(np.uint8)


def random_make_up(rng: np.random.Generator) -> MakeUp:
    """Skin from light to dark, for which a camera makes up in part; lips that are as dark as the skin, or less so, and bare, red,
    dark or pale; teeth as yellow as they were filmed, or less so."""
    darkness = np.exp(rng.uniform(np.log(DARKEST), np.log(LIGHTEST)))
    skin = darkness**RED_STAYS * rng.uniform(0.93, 1.07, 3)
    colour = np.exp(rng.uniform([-0.1, -0.6, -0.5], [0.3, 0.3, 0.4]) + rng.uniform(-0.5, 0.25))
    lips = skin ** rng.uniform(0.4, 1) * colour
    return MakeUp(
        skin=skin.astype(np.float32),
        lips=lips.astype(np.float32),
        inside=(DAYLIGHT ** rng.random()).astype(np.float32),
        exposure=float(darkness ** -rng.uniform(*MADE_UP_FOR)),
        grey=bool(rng.random() < GREY),
    )
