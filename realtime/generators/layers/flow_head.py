"""The flow head: moves the portrait's own pixels and paints only what lies between the lips.

It keeps identity and sharpness at any resolution, and an output of zero is the portrait itself, which is what silence needs.
A deviation of ours from papers/1 and 2, whose decoder is `decoder.py`; the measurements behind it are in docs/decisions/.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import relu

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX, PAINT_FINENESS
from realtime.generators.layers.identity import CHANNELS, SIDES
from realtime.generators.layers.mouth_inpainter import MouthInpainter
from realtime.generators.layers.session_skip import SkipConv, add_session
from realtime.generators.streaming import Tensors

Mouth = Literal["decoded", "inpainted"]
FLOW_SCALE = 4.0  # crop pixels a unit of the network's output: lips move by a few pixels


class FlowHead(nn.Module):
    """Feature → flow [N, 2, 28, 28] and mouth: [N, 4, 40, 56] of a decoded one, [N, 4, 80, 112] of an inpainted one.

    flow: (dx, dy) in crop pixels; the output's pixel p shows the portrait's pixel p + flow(p). It is zero on the crop's border.
    mouth: R, G, B times mask, and mask, 0..1, over MOUTH_BOX, one or PAINT_FINENESS elements along a crop pixel; zero on the
    box's border.
    mouth_is: `decoded`, by layers like the flow's, beside it; or `inpainted`, by a network of its own that sees the mouth moved.
    Session tensors: skip_7, skip_14, skip_28 and skip_mouth_56, skip_mouth_112 of a decoded mouth: constant shares of the
    layers' outputs; or those of an inpainted one (`mouth_inpainter.py`).
    """

    names = ("flow", "mouth")
    flow_taper: Tensor
    mouth_taper: Tensor
    fine_mouth_taper: Tensor

    def __init__(self, features: int, skip_widths: tuple[int, ...], channels: int, mouth_is: Mouth = "decoded") -> None:
        super().__init__()
        c56, c28, c14, c7 = skip_widths
        c, half = channels, channels // 2
        self.channels = channels
        self.fc = nn.Linear(features, c * SIDES[-1] ** 2)
        self.at_7 = SkipConv(c, c7, c)
        self.up_14 = nn.ConvTranspose2d(c, c, 4, stride=2, padding=1)
        self.of_14 = nn.Conv2d(c14, c, 3, padding=1)
        self.up_28 = nn.ConvTranspose2d(c, half, 4, stride=2, padding=1)
        self.of_28 = nn.Conv2d(c28, half, 3, padding=1)
        self.to_flow = nn.Conv2d(half, 2, 3, padding=1)
        self.inpainter = MouthInpainter(half) if mouth_is == "inpainted" else None
        if self.inpainter is None:
            self.mouth_28 = nn.ConvTranspose2d(half, half, 4, stride=2, padding=1)
            self.of_mouth_56 = nn.Conv2d(c56, half, 3, padding=1)
            self.mouth_56 = nn.ConvTranspose2d(half, half // 2, 4, stride=2, padding=1)
            self.of_mouth_112 = nn.Conv2d(CHANNELS, half // 2, 5, padding=2)
            self.to_mouth = nn.Conv2d(half // 2, 4, 3, padding=1)
        self._start_at_rest()
        self.register_buffer("flow_taper", _taper(FLOW_CELLS, FLOW_CELLS, zero=1, width=2), persistent=False)
        x0, y0, x1, y1 = MOUTH_BOX
        self.register_buffer("mouth_taper", _taper(y1 - y0, x1 - x0, zero=1, width=5), persistent=False)
        # a quarter of a crop pixel narrower than the mouth's that it learns with: nothing is painted there
        fine = PAINT_FINENESS * (y1 - y0), PAINT_FINENESS * (x1 - x0)
        self.register_buffer("fine_mouth_taper", _taper(*fine, zero=PAINT_FINENESS, width=5 * PAINT_FINENESS), persistent=False)

    def _start_at_rest(self) -> None:
        """An untrained head returns the portrait."""
        nn.init.zeros_(self.to_flow.weight)
        nn.init.zeros_(self.to_flow.bias)  # type: ignore[arg-type]
        if self.inpainter is None:
            with torch.no_grad():
                self.to_mouth.bias[3] = -2.0  # type: ignore[index]

    def session(self, portrait: Tensor, maps: list[Tensor]) -> Tensors:
        map_56, map_28, map_14, map_7 = maps
        skips = {"skip_7": self.at_7.session(map_7), "skip_14": self.of_14(map_14), "skip_28": self.of_28(map_28)}
        if self.inpainter is not None:
            return skips | self.inpainter.session(portrait)
        return skips | {
            "skip_mouth_56": self.of_mouth_56(in_mouth_box(map_56)),
            "skip_mouth_112": self.of_mouth_112(in_mouth_box(portrait) * 2 - 1),
        }

    def forward(self, feature: Tensor, identity: Tensors) -> Tensors:
        """Feature [N, F]; N is a multiple of the sessions in `identity`."""
        x, flow = self.moved(feature, identity)
        return {"flow": flow, "mouth": self.mouth(x, flow, identity)}

    def moved(self, feature: Tensor, identity: Tensors) -> tuple[Tensor, Tensor]:
        """What is known of each cell [N, channels / 2, 28, 28], and the flow."""
        x = relu(self.fc(feature)).reshape(-1, self.channels, SIDES[-1], SIDES[-1])
        x = relu(self.at_7(x, identity["skip_7"]))
        x = relu(add_session(self.up_14(x), identity["skip_14"]))
        x = relu(add_session(self.up_28(x), identity["skip_28"]))
        return x, self.to_flow(x) * (FLOW_SCALE * self.flow_taper)

    def mouth(self, x: Tensor, flow: Tensor, identity: Tensors) -> Tensor:
        """The mouth of what `moved` returned."""
        if self.inpainter is not None:
            said = self.inpainter(in_mouth_box(x), flow, identity)
            return self.inpainter.laid(said, identity) * self.fine_mouth_taper
        m = relu(add_session(self.mouth_28(in_mouth_box(x)), identity["skip_mouth_56"]))
        m = relu(add_session(self.mouth_56(m), identity["skip_mouth_112"]))
        m = torch.sigmoid(self.to_mouth(m))
        mask = m[:, 3:] * self.mouth_taper
        return torch.cat([m[:, :3] * mask, mask], 1)

    def picture(self, outputs: Tensors, portrait: Tensor) -> Tensor:
        """The crop [N, 3, 112, 112] that the outputs make of the portraits [N, 3, 112, 112] (RGB)."""
        moved = warp(portrait, outputs["flow"])
        mouth = at_crop_pixels(outputs["mouth"])
        x0, y0, x1, y1 = MOUTH_BOX
        padding = (x0, CROP_SIZE - x1, y0, CROP_SIZE - y1)
        mask = F.pad(mouth[:, 3:], padding)
        return moved * (1 - mask) + F.pad(mouth[:, :3], padding)


def warp(portrait: Tensor, flow: Tensor) -> Tensor:
    """Portrait [N, 3, S, S] seen through flow [N, 2, cells, cells] (portrait pixels)."""
    side = portrait.shape[-1]
    dense = F.interpolate(flow, size=(side, side), mode="bicubic", align_corners=False)
    centres = (torch.arange(side, device=flow.device, dtype=flow.dtype) * 2 + 1) / side - 1
    x = centres + dense[:, 0] * (2 / side)
    y = centres[:, None] + dense[:, 1] * (2 / side)
    return F.grid_sample(portrait, torch.stack([x, y], -1), padding_mode="border", align_corners=False)


def at_crop_pixels(mouth: Tensor) -> Tensor:
    """A mouth [N, 4, h, w] as fine as it is laid → [N, 4, 40, 56], of which as much is seen; one of that size as it is."""
    if mouth.shape[-1] == MOUTH_BOX[2] - MOUTH_BOX[0]:
        return mouth
    return F.avg_pool2d(mouth, PAINT_FINENESS)


def in_mouth_box(maps: Tensor) -> Tensor:
    """The mouth box of maps [N, C, S, S] that cover the whole crop."""
    x0, y0, x1, y1 = (edge * maps.shape[-1] // CROP_SIZE for edge in MOUTH_BOX)
    return maps[..., y0:y1, x0:x1]


def _taper(height: int, width_cells: int, *, zero: int, width: int) -> Tensor:
    """[height, width_cells]: `zero` cells of 0 along the border, then a linear rise over `width` cells to 1."""

    def ramp(n: int) -> Tensor:
        to_border = torch.minimum(torch.arange(n), n - 1 - torch.arange(n))
        return ((to_border - zero + 1) / width).clamp(0, 1)

    return ramp(height)[:, None] * ramp(width_cells)[None, :]
