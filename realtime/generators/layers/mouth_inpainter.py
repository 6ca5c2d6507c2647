"""What lies between lips that have moved, painted by a network that sees them moved.

The decoder's own mouth (`flow_head.py`) has to guess where the flow puts the lips; this network is shown it: the portrait's mouth
as the flow leaves it, lip map included, beside the flow and what the head knows. So paint ends where the lips begin, and what
remains of a portrait's own teeth between lips that close is seen and covered. Inpainting of what a warp uncovers:
A. Siarohin, S. Lathuilière, S. Tulyakov, E. Ricci, N. Sebe, *First order motion model for image animation*, NeurIPS 2019, 3.2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import relu

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX
from realtime.generators.layers.gamut import in_its_light
from realtime.generators.layers.identity import CHANNELS

MARGIN = 12  # crop pixels around the mouth box that the flow may bring into it
PIXELS = 4.0  # of flow that are one unit to the network


class MouthInpainter(nn.Module):
    """What the head knows over the mouth box [N, width, 10, 14], the flow [N, 2, 28, 28] and the portrait around the mouth
    [B, 4, 64, 80] → mouth [N, 4, 40, 56]: R, G, B and mask, 0..1. Of the colours a part is what it sees: teeth that a portrait
    shows stay its own. The rest is in its light (`gamut.py`)."""

    rows: Tensor
    columns: Tensor
    pixels: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        wide, middle, fine = 3 * width // 2, 3 * width // 4, width // 2
        seen = CHANNELS + 2
        self.seen_28 = nn.Conv2d(seen, middle, 3, stride=2, padding=1)
        self.seen_14 = nn.Conv2d(middle, width, 3, stride=2, padding=1)
        self.at_14 = nn.Conv2d(2 * width, wide, 3, padding=1)
        self.again_14 = nn.Conv2d(wide, wide, 3, padding=1)
        self.at_28 = nn.Conv2d(wide, middle, 3, padding=1)
        self.again_28 = nn.Conv2d(middle, middle, 3, padding=1)
        self.at_56 = nn.Conv2d(middle, fine, 3, padding=1)
        self.seen_56 = nn.Conv2d(seen, fine, 3, padding=1)
        self.again_56 = nn.Conv2d(fine, fine, 3, padding=1)
        self.to_mouth = nn.Conv2d(fine, 5, 3, padding=1)
        with torch.no_grad():
            self.to_mouth.bias[3:] = -2.0  # type: ignore[index]
        x0, y0, x1, y1 = MOUTH_BOX
        dense = F.interpolate(torch.eye(FLOW_CELLS)[None, None], size=(CROP_SIZE, FLOW_CELLS), mode="bicubic")[0, 0]
        self.register_buffer("rows", dense[y0:y1], persistent=False)
        self.register_buffer("columns", dense[x0:x1].T.contiguous(), persistent=False)
        y, x = torch.meshgrid(torch.arange(y1 - y0), torch.arange(x1 - x0), indexing="ij")
        half_box = torch.tensor([x1 - x0, y1 - y0]).view(2, 1, 1) / 2
        self.register_buffer("pixels", torch.stack([x, y]) + 0.5 - half_box, persistent=False)

    def session(self, portrait: Tensor) -> Tensor:
        """The portrait [B, 4, 112, 112] around the mouth [B, 4, 64, 80], -1..1."""
        x0, y0, x1, y1 = MOUTH_BOX
        return portrait[..., y0 - MARGIN : y1 + MARGIN, x0 - MARGIN : x1 + MARGIN] * 2 - 1

    def forward(self, known: Tensor, flow: Tensor, portrait: Tensor) -> Tensor:
        """N is a multiple of the sessions B."""
        offsets = self.rows @ flow @ self.columns  # as `warp` enlarges it: separable
        seen = torch.cat([self._moved(portrait, offsets), offsets / PIXELS], 1)
        half = relu(self.seen_28(seen))
        x = relu(self.at_14(torch.cat([known, relu(self.seen_14(half))], 1)))
        x = x + relu(self.again_14(x))
        x = relu(self.at_28(_doubled(x))) + half
        x = x + relu(self.again_28(x))
        x = relu(self.at_56(_doubled(x)) + self.seen_56(seen))
        x = x + relu(self.again_56(x))
        painted = torch.sigmoid(self.to_mouth(x))
        colours, mask, kept = painted[:, :3], painted[:, 3:4], painted[:, 4:]
        own = seen[:, :3] / 2 + 0.5
        paint = in_its_light(colours + kept * (own - colours), own, portrait[:, :3] / 2 + 0.5)
        return torch.cat([paint, mask], 1)

    def _moved(self, portrait: Tensor, offsets: Tensor) -> Tensor:
        """The mouth box [N, 4, 40, 56] of the portraits, seen through offsets [N, 2, 40, 56] in pixels."""
        if portrait.shape[0] != offsets.shape[0]:
            portrait = portrait[:, None].expand(-1, offsets.shape[0] // portrait.shape[0], -1, -1, -1).flatten(0, 1)
        # Places in bfloat16 would be rounded to half a pixel. OpenVINO takes no notice of `float`: so they count from the middle.
        place = self.pixels.float() + offsets.float()
        x, y = place[:, 0] * (2 / portrait.shape[-1]), place[:, 1] * (2 / portrait.shape[-2])
        seen = F.grid_sample(portrait.float(), torch.stack([x, y], -1), padding_mode="border", align_corners=False)
        return seen.to(offsets.dtype)


def _doubled(x: Tensor) -> Tensor:
    """Bilinear: learnt transposed convolutions left a fine grid on teeth."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
