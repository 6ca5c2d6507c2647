"""Paint in the portrait's own light.

A painter that learnt from a few faces under one studio's lamps says in other light what it never said there. Paint that lets red
lips shine through makes up for them with green, and where a portrait's are darker or less red, green is left; a picture without
colour gets a trace of blue. In the films that it learnt from, teeth have less green for their red than the skin around them
(docs/decisions/0038-paint-in-the-portraits-light.md).
"""

import torch
from torch import Tensor

BLUER = 1.1  # times the portrait's blue for its green: teeth are less yellow than skin, but not lilac
COLOURED = 0.06  # of 0..1, strongest channel less weakest, in the mean: a pale face in daylight has three times as much
DARKEST = 0.05  # red or green below which a pixel's own colour says little


def in_its_light(paint: Tensor, own: Tensor, portrait: Tensor) -> Tensor:
    """Paint [N, 3, h, w], what the portrait shows there (own, likewise) and the portraits themselves [B, 3, H, W], all 0..1; N a
    multiple of B → paint [N, 3, h, w] without more green for its red than the portrait has, or this pixel of it, nor much more
    blue for its green; and as colourless as a colourless portrait."""
    red, green, blue = paint[:, :1], paint[:, 1:2], paint[:, 2:]
    mean = portrait.mean((2, 3), keepdim=True)
    light = mean[:, 1:] / mean[:, :2].clamp(min=DARKEST)  # green for red, blue for green
    seen = own[:, 1:] / own[:, :2].clamp(min=DARKEST)
    green = torch.minimum(green, red * torch.maximum(_each(light[:, :1], paint), seen[:, :1]))
    blue = torch.minimum(blue, green * torch.maximum(_each(BLUER * light[:, 1:], paint), seen[:, 1:]))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    colour = (portrait.amax(1, keepdim=True) - portrait.amin(1, keepdim=True)).mean((2, 3), keepdim=True) / COLOURED
    coloured = torch.cat([red, green, blue], 1)
    return grey + _each(colour.clamp(max=1), paint) * (coloured - grey)


def _each(of_portrait: Tensor, paint: Tensor) -> Tensor:
    """[B, 1, 1, 1] → [N, 1, 1, 1], every frame with its own portrait's."""
    frames = paint.shape[0] // of_portrait.shape[0]
    return of_portrait[:, None].expand(-1, frames, -1, -1, -1).flatten(0, 1)
