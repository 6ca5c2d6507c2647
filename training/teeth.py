"""Which frames show teeth, and a photograph's teeth as a picture to lend (`realtime/generators/layers/lent_teeth.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.alignment import CROP_SIZE, MOUTH_BOX, PAINT_FINENESS, cut, to_crop
from realtime.errors import ConfigError
from realtime.generators.layers.lent_teeth import between_lips
from realtime.generators.layers.mouth_inpainter import MARGIN
from realtime.lip_map import INNER_LIP, OUTER_LIP, lip_map
from realtime.portrait import Portrait
from training.preprocessing import INNER, PreparedClip

WIDEST = 12  # frames of a clip that are looked at
FEWEST = 8  # pixels of teeth that are worth lending
MOST = 60  # frames a speaker
BRIGHT = 0.9  # of the green of the skin around
PALE = 1.35  # times the green, the most red that teeth have

BROAD = 100  # square crop pixels between the lips of a smile whose teeth are worth lending
BRIGHTEST = np.array([0.97, 1.01, 1.04])  # R, G, B of the whitest fifth, times the face's: 1.0 to 1.5 in GRID, at best
FIFTH = 80  # percentile
SOFT = 0.6  # crop pixels, standard deviation
INSIDE = 0.9  # share from which on a pixel is none of the lips'
RAISED = 2.0  # crop pixels that a broad smile lifts the upper lip, and with it what a portrait's crop is stretched to


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Frame `frame` of the clip of index `clip` shows `pixels` crop pixels of teeth."""

    clip: int
    frame: int
    pixels: int


def lenders(clips: Sequence[PreparedClip], areas: Sequence[NDArray[np.float32]]) -> dict[str, list[Shown]]:
    """Each speaker's frames that show most of their teeth. areas: between the lips, of every frame of every clip."""
    found: dict[str, list[Shown]] = {}
    for index, (clip, area) in enumerate(zip(clips, areas, strict=True)):
        for frame in np.argsort(area)[-WIDEST:]:
            pixels = _teeth(np.asarray(clip.crops[frame]), clip.landmarks[frame, INNER])
            if pixels >= FEWEST:
                found.setdefault(clip.speaker, []).append(Shown(clip=index, frame=int(frame), pixels=pixels))
    return {speaker: sorted(shown, key=lambda s: -s.pixels)[:MOST] for speaker, shown in found.items()}


def of_portrait(portrait: Portrait) -> tuple[Tensor, Tensor]:
    """What somebody who smiles shows between the lips, where lips at rest would have it and as bright as in a mouth that speaks:
    colours times share, and share, [4, 80, 112]; and the mean colour [3] of the face around it; 0..1.

    Raises ConfigError where the lips are closed.
    """
    if (shown_pixels := float(between_lips(torch.from_numpy(portrait.crop[..., 3]) / 255).sum())) < BROAD:
        raise _too_narrow(shown_pixels)
    in_crop = to_crop(portrait.landmarks, portrait.crop_to_image)
    lips = lip_map(in_crop[list(OUTER_LIP)], in_crop[list(INNER_LIP)], PAINT_FINENESS)
    between = between_lips(torch.from_numpy(lips) / 255).numpy()
    lipless = cv2.erode(between, np.ones((2 * PAINT_FINENESS + 1, 2 * PAINT_FINENESS + 1), np.uint8))
    share = cv2.GaussianBlur(lipless, (0, 0), SOFT * PAINT_FINENESS)[..., None]
    face = around_the_mouth(portrait.crop)
    colours = cut(portrait.image[..., ::-1], portrait.crop_to_image, PAINT_FINENESS * CROP_SIZE) / 255
    inside = colours[share[..., 0] > INSIDE]
    if not len(inside):
        raise _too_narrow(shown_pixels)
    white = inside[inside[:, 1] >= np.percentile(inside[:, 1], FIFTH)].mean(0)
    shown = np.dstack([colours * (BRIGHTEST * face / white) * share, share])
    up = np.array([[1, 0, 0], [0, 1, -RAISED * PAINT_FINENESS]], np.float32)
    lifted = np.clip(cv2.warpAffine(shown, up, shown.shape[1::-1], flags=cv2.INTER_CUBIC), 0, 1)
    x0, y0, x1, y1 = (PAINT_FINENESS * edge for edge in MOUTH_BOX)
    pixels = torch.from_numpy(np.ascontiguousarray(lifted[y0:y1, x0:x1].transpose(2, 0, 1), np.float32))
    return pixels, torch.from_numpy(face)


def _too_narrow(pixels: float) -> ConfigError:
    return ConfigError(f"{pixels:.0f} pixels between the lips, {BROAD} of a mouth well open are needed: choose a broad smile.")


def around_the_mouth(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean colour [3] of what a painter sees of a crop [112, 112, 3 or 4], 0..1."""
    x0, y0, x1, y1 = MOUTH_BOX
    seen = crop[y0 - MARGIN : y1 + MARGIN, x0 - MARGIN : x1 + MARGIN, :3]
    return np.asarray(seen.mean((0, 1)) / 255, np.float32)


def _teeth(crop: NDArray[np.uint8], inner: NDArray[np.float32]) -> int:
    between = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(between, [np.round(inner).astype(np.int32)], 1)
    red, green = crop[..., 0].astype(np.float32), crop[..., 1].astype(np.float32)
    skin = np.median(green[60:90, 30:82])
    return int(((between > 0) & (green > BRIGHT * skin) & (red < PALE * green)).sum())
