"""The published head: paints every pixel of the crop."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from realtime.generators.layers.identity import SIDES
from realtime.generators.layers.session_skip import SkipConv, SkipUp
from realtime.generators.streaming import Tensors


class PixelHead(nn.Module):
    """One fully connected layer and six transposed convolutions with U-Net skips → [N, 3, 112, 112] RGB in 0..1.

    Source: papers/1, 3.1 "Image Decoder". 7 → 7 → 14 → 28 → 56 → 112 → 112; kernel 4 where it doubles, 3 where it does not.
    Session tensors: skip_7, skip_14, skip_28, skip_56, each skip's constant share of its layer's output.
    """

    names = ("crop",)

    def __init__(self, features: int, skip_widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        c56, c28, c14, c7 = skip_widths
        self.channels = channels
        self.fc = nn.Linear(features, channels * SIDES[-1] ** 2)
        self.at_7 = SkipConv(channels, c7, c7)
        self.up_14 = nn.ConvTranspose2d(c7, c14, 4, stride=2, padding=1)
        self.up_28 = SkipUp(c14, c14, c28)
        self.up_56 = SkipUp(c28, c28, c56)
        self.up_112 = SkipUp(c56, c56, max(16, c56 // 2))
        self.paint = nn.Conv2d(max(16, c56 // 2), 3, 3, padding=1)

    def session(self, portrait: Tensor, maps: list[Tensor]) -> Tensors:  # noqa: ARG002 - the heads' common interface
        map_56, map_28, map_14, map_7 = maps
        return {
            "skip_7": self.at_7.session(map_7),
            "skip_14": self.up_28.session(map_14),
            "skip_28": self.up_56.session(map_28),
            "skip_56": self.up_112.session(map_56),
        }

    def forward(self, feature: Tensor, identity: Tensors) -> Tensors:
        """Feature [N, F] → crop [N, 3, 112, 112]; N is a multiple of the sessions in `identity`."""
        x = relu(self.fc(feature)).reshape(-1, self.channels, SIDES[-1], SIDES[-1])
        x = relu(self.at_7(x, identity["skip_7"]))
        x = relu(self.up_14(x))
        x = relu(self.up_28(x, identity["skip_14"]))
        x = relu(self.up_56(x, identity["skip_28"]))
        x = relu(self.up_112(x, identity["skip_56"]))
        return {"crop": torch.sigmoid(self.paint(x))}

    def picture(self, outputs: Tensors, portrait: Tensor) -> Tensor:  # noqa: ARG002
        """The crop itself [N, 3, 112, 112]."""
        return outputs["crop"]
