"""What an open mouth shows: teeth, tongue and the dark behind them, drawn once an actor and placed once a frame.

The upper teeth stay with the head, the lower ones and the tongue go with the jaw. Light comes through the opening: what lies near
its rim is in the lips' shadow. Lengths are in eye distances (some 62 mm): an upper middle incisor is 8.5 mm wide.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

UPPER_WIDTHS = (0.137, 0.105, 0.115, 0.085, 0.06)  # from the middle to the side, as seen from the front
LOWER_WIDTHS = (0.085, 0.09, 0.10, 0.08, 0.06)
UPPER_HEIGHTS = (0.165, 0.150, 0.160, 0.135, 0.12)
LOWER_HEIGHTS = (0.135, 0.135, 0.145, 0.12, 0.11)
ENAMEL = (0.91, 0.87, 0.80)
GUM = (0.66, 0.34, 0.33)
TONGUE = (0.70, 0.36, 0.36)
CAVITY = (0.16, 0.06, 0.055)
FINE = 96  # drawn pixels an eye distance
SIDE = 1.2  # of the drawing, in eye distances


@dataclass(frozen=True, kw_only=True)
class Interior:
    """Three drawings [H, H, 4] RGBA, 0..1, SIDE eye distances wide; the lip line's middle is theirs. light: of the portrait's
    skin."""

    upper: Picture
    lower: Picture
    tongue: Picture
    light: float


def draw_interior(rng: np.random.Generator, light: float) -> Interior:
    """One person's: whiter or yellower, longer or shorter, a little crooked."""
    tone = np.array(ENAMEL) * rng.uniform(0.88, 1.02) * np.array([1, 1, rng.uniform(0.93, 1.03)])
    return Interior(
        upper=_row(UPPER_WIDTHS, UPPER_HEIGHTS, edge=0.055 + rng.uniform(-0.015, 0.02), up=True, tone=tone, rng=rng),
        lower=_row(LOWER_WIDTHS, LOWER_HEIGHTS, edge=-0.015 + rng.uniform(-0.01, 0.02), up=False, tone=tone * 0.92, rng=rng),
        tongue=_tongue(),
        light=light,
    )


def place(
    interior: Interior,
    hole: Picture,
    *,
    to_frame: NDArray[np.float64],
    jaw: float,
    tongue: float,
) -> Picture:
    """The mouth's inside in a frame [S, S, 3]. hole [S, S]: the opening, 0..1; to_frame [2, 3]: eye distances about the lip
    line's middle → frame pixels; jaw: how far it has dropped, in eye distances; tongue: 0 low to 1 at the upper teeth."""
    size = hole.shape[0]
    unit = float(np.hypot(*to_frame[:, 0]))
    picture = np.broadcast_to(np.array(CAVITY, np.float32), (size, size, 3)).copy()
    for drawing, drop in (
        (interior.tongue, 0.02 + jaw * (0.55 - 0.40 * tongue) - 0.05 * tongue),
        (interior.lower, jaw),
        (interior.upper, 0.0),
    ):
        layer = _laid(drawing, to_frame, drop, size)
        picture += (layer[..., :3] - picture) * layer[..., 3:]
    deep = cv2.GaussianBlur(hole, (0, 0), max(0.8, 0.055 * unit))
    inside = np.clip(deep * 1.5 - 0.25, 0.1, 1.0)[..., None]
    return np.asarray(picture * inside * interior.light, np.float32)


def _laid(drawing: Picture, to_frame: NDArray[np.float64], drop: float, size: int) -> Picture:
    """A drawing in frame pixels, moved down by `drop` eye distances."""
    middle = drawing.shape[0] / 2 - 0.5
    placed = to_frame[:, :2] / FINE
    offset = to_frame[:, 2] + to_frame[:, 1] * drop - placed @ np.full(2, middle)
    shrink = float(np.hypot(*placed[:, 0]))
    smooth = cv2.GaussianBlur(drawing, (0, 0), 0.35 / shrink) if shrink < 0.6 else drawing
    matrix = np.hstack([placed, offset[:, None]])
    return np.asarray(cv2.warpAffine(smooth, matrix, (size, size), flags=cv2.INTER_LINEAR), np.float32)


def _row(
    widths: tuple[float, ...],
    heights: tuple[float, ...],
    *,
    edge: float,
    up: bool,
    tone: NDArray[np.float64],
    rng: np.random.Generator,
) -> Picture:
    """Teeth from the middle outwards, darker to the sides; above (below) them the gum."""
    side = int(SIDE * FINE)
    colour = np.zeros((side, side, 3), np.float32) + np.array(GUM, np.float32)
    cover = np.zeros((side, side), np.float32)
    middle, sign = side / 2, -1 if up else 1
    for direction in (-1, 1):
        x = 0.0
        for index, (width, height) in enumerate(zip(widths, heights, strict=True)):
            bite = edge + (rng.normal(0, 0.004) if index else 0) - (0.012 * index if up else 0)
            tooth = _tooth(side, middle + direction * (x + width / 2) * FINE, middle + bite * FINE, width, height, sign)
            enamel = tone * (1 - 0.13 * index) * rng.uniform(0.97, 1.02)
            colour += (enamel.astype(np.float32) - colour) * tooth[..., None]
            np.maximum(cover, tooth, out=cover)
            x += width
        half = x * FINE
    gum = np.zeros((side, side), np.float32)
    root = middle + (edge + sign * min(heights)) * FINE
    y0, y1 = (0, root) if up else (root, side - 1)
    cv2.rectangle(gum, (int(middle - half), int(y0)), (int(middle + half), int(y1)), 1.0, -1)
    np.maximum(cover, cv2.GaussianBlur(gum, (0, 0), 1.5), out=cover)
    return np.dstack([cv2.GaussianBlur(colour, (0, 0), 0.9), cv2.GaussianBlur(cover, (0, 0), 0.7)])


def _tooth(side: int, x: float, edge: float, width: float, height: float, sign: int) -> Picture:
    """A rounded block whose biting edge lies at row `edge`; its neighbours are parted by a soft, faint seam."""
    w, h = width * FINE / 2 - 0.25, height * FINE / 2
    fine = 16
    centre = (round(x * fine), round((edge + sign * h) * fine))
    y, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    inside = (np.abs(xs - centre[0] / fine) / w) ** 5 + (np.abs(y - centre[1] / fine) / h) ** 5
    mask = np.clip((1.0 - inside) * 3.5, 0, 1)
    return np.asarray(mask, np.float32)


def _tongue() -> Picture:
    side = int(SIDE * FINE)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / FINE - SIDE / 2
    cover = np.clip((1 - (x / 0.36) ** 2 - (np.minimum(y - 0.10, 0) / 0.16) ** 2) * 4, 0, 1)
    light = 0.62 + 0.38 * np.exp(-(((y - 0.06) / 0.14) ** 2)) - 0.10 * np.exp(-((x / 0.035) ** 2))
    return np.dstack([np.array(TONGUE, np.float32) * light[..., None], cover]).astype(np.float32)
