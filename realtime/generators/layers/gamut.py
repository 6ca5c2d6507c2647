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
DARKEST = 0.05  # mean red or green below which a portrait says little of its light


def light_of(portrait: Tensor) -> Tensor:
    """Portraits [B, 3, H, W], 0..1 → [B, 3, 1, 1]: their green for their red, their blue for their green, and how much of paint's
    colour is left to it, 0..1: nothing in a colourless portrait."""
    mean = portrait.mean((2, 3), keepdim=True)
    colour = (portrait.amax(1, keepdim=True) - portrait.amin(1, keepdim=True)).mean((2, 3), keepdim=True) / COLOURED
    return torch.cat([mean[:, 1:] / mean[:, :2].clamp(min=DARKEST), colour.clamp(max=1)], 1)


def in_its_light(paint: Tensor, light: Tensor) -> Tensor:
    """Paint [N, 3, h, w], 0..1, and the portrait's light [N, 3, 1, 1] → paint without more green for its red than the portrait
    has, nor much more blue for its green; and as colourless as a colourless portrait."""
    red, green, blue = paint[:, :1], paint[:, 1:2], paint[:, 2:]
    green = torch.minimum(green, red * light[:, :1])
    blue = torch.minimum(blue, green * (BLUER * light[:, 1:2]))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey + light[:, 2:] * (torch.cat([red, green, blue], 1) - grey)
