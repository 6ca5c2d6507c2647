"""Teeth for a mouth that shows none.

A portrait with closed lips does not say what its teeth look like, and the least error is to paint the mean of all teeth: a soft
bright band. So a painter is lent a picture of teeth. Upper teeth are fixed to the skull and the canonical crop is too, so lent
teeth keep still in it while lips move over them, and whoever paints has only to say where they are seen. Where a portrait's mouth
is open, its own teeth take their place.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.alignment import MOUTH_BOX, PAINT_FINENESS
from realtime.lip_map import LIPS, OPENING

SHOWS_NONE, SHOWS_ITS_OWN = 60.0, 110.0  # square crop pixels between a portrait's lips; closed ones have 40 to 55
SHADED = 0.5  # exponent on how much darker a portrait's face is than the face that the teeth are from
WHITEST = 0.95  # of red that green has, and of green blue, in teeth that no warm lamp shines on
DARKEST = 0.05  # of 0..1: below it a face says little of its light


class LentTeeth(nn.Module):
    """A picture of teeth, which belongs to the weights: colours times share, and share, over MOUTH_BOX, as fine as paint is."""

    pixels: Tensor
    face: Tensor

    def __init__(self) -> None:
        super().__init__()
        x0, y0, x1, y1 = MOUTH_BOX
        self.register_buffer("pixels", torch.zeros(4, PAINT_FINENESS * (y1 - y0), PAINT_FINENESS * (x1 - x0)))
        self.register_buffer("face", torch.full((3,), 0.5))
        self.register_load_state_dict_pre_hook(_as_fine_as_paint)

    def take(self, pixels: Tensor, face: Tensor) -> None:
        """Teeth [4, 80, 112] to lend, and the mean colour [3] of the face that they are from."""
        self.pixels.copy_(pixels)
        self.face.copy_(face)

    def session(self, portrait: Tensor, face: Tensor, instead: Tensor | None = None) -> Tensor:
        """Portraits [B, 4, 112, 112] and the mean colour [B, 3, 1, 1] of their faces → teeth [B, 4, 80, 112], their own where
        they show them. instead: others [B, 4, 40, 56] than those of the weights, in the portraits' light already."""
        x0, y0, x1, y1 = MOUTH_BOX
        mouth = F.interpolate(portrait[..., y0:y1, x0:x1], scale_factor=PAINT_FINENESS, mode="bilinear")
        open_here = between_lips(mouth[:, 3:])
        shown = open_here.sum((2, 3), keepdim=True) / PAINT_FINENESS**2
        own = ((shown - SHOWS_NONE) / (SHOWS_ITS_OWN - SHOWS_NONE)).clamp(0, 1)
        lent = self._in_light_of(face) if instead is None else _enlarged(instead)
        return own * torch.cat([mouth[:, :3] * open_here, open_here], 1) + (1 - own) * lent

    def _in_light_of(self, face: Tensor) -> Tensor:
        """No light makes teeth green or blue: where a face has little of a skin's red, as in sepia, they have its hue."""
        red, green, blue = (self.pixels[:3] * in_light_of(face, self.face.view(1, 3, 1, 1))).split(1, 1)
        hue = (face[:, 1:] / face[:, :2].clamp(min=DARKEST)).clamp(min=WHITEST)
        green = torch.minimum(green, red * hue[:, :1])
        blue = torch.minimum(blue, green * hue[:, 1:])
        return torch.cat([red, green, blue, self.pixels[3:].expand_as(red)], 1)


def _as_fine_as_paint(_module: nn.Module, found: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Weights of before have teeth at the crop's resolution [4, 40, 56]: they are lent as soft as they were."""
    pixels = found.get(prefix + "pixels")
    if pixels is not None and pixels.shape[-1] == MOUTH_BOX[2] - MOUTH_BOX[0]:
        found[prefix + "pixels"] = _enlarged(pixels[None])[0]


def _enlarged(teeth: Tensor) -> Tensor:
    return F.interpolate(teeth, scale_factor=PAINT_FINENESS, mode="nearest")


def between_lips(lip_map: Tensor) -> Tensor:
    """A lip map, 0..1 → 1 between the lips, 0 on them and on skin."""
    return ((lip_map * OPENING - LIPS) / (OPENING - LIPS)).clamp(0, 1)


def in_light_of(face: Tensor, other: Tensor) -> Tensor:
    """Mean colours of two faces [..., 3, 1, 1], 0..1 → factors that bring what the other's light shines on to the first one's
    light: its colour wholly, its brightness in part, since a dark face may be dark by itself."""
    factors = face.clamp(min=DARKEST) / other.clamp(min=DARKEST)
    brightness = factors.mean(-3, keepdim=True)
    return factors * brightness ** (SHADED - 1)
