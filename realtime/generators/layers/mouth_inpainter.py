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
from realtime.generators.layers.gamut import in_its_light, light_of
from realtime.generators.layers.identity import CHANNELS
from realtime.generators.layers.lent_teeth import LentTeeth
from realtime.generators.layers.session_skip import add_session, each_frames
from realtime.generators.streaming import Tensors

MARGIN = 12  # crop pixels around the mouth box that the flow may bring into it
PIXELS = 4.0  # of flow that are one unit to the network
SOURCES = ("made up", "moved", "teeth")


class MouthInpainter(nn.Module):
    """What the head knows over the mouth box [N, width, 10, 14], the flow [N, 2, 28, 28] and what `session` returns → mouth
    [N, 4, 40, 56]: R, G, B and mask, 0..1; and the shares of its colours [N, 3, 40, 56], 1 in all, that come of each of SOURCES:
    made up by the network, seen where the flow moves it, or teeth that stay where they are (`lent_teeth.py`). All of it is in
    the portrait's light (`gamut.py`)."""

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
        self.teeth_28 = nn.Conv2d(4, middle, 3, stride=2, padding=1, bias=False)
        self.teeth_56 = nn.Conv2d(4, fine, 3, padding=1, bias=False)
        self.to_mouth = nn.Conv2d(fine, 4 + len(SOURCES), 3, padding=1)
        self.lent = LentTeeth()
        with torch.no_grad():
            self.to_mouth.bias[3:] = torch.tensor([-2.0, 1.0, -1.0, 0.0])  # type: ignore[index]
        x0, y0, x1, y1 = MOUTH_BOX
        dense = F.interpolate(torch.eye(FLOW_CELLS)[None, None], size=(CROP_SIZE, FLOW_CELLS), mode="bicubic")[0, 0]
        self.register_buffer("rows", dense[y0:y1], persistent=False)
        self.register_buffer("columns", dense[x0:x1].T.contiguous(), persistent=False)
        y, x = torch.meshgrid(torch.arange(y1 - y0), torch.arange(x1 - x0), indexing="ij")
        half_box = torch.tensor([x1 - x0, y1 - y0]).view(2, 1, 1) / 2
        self.register_buffer("pixels", torch.stack([x, y]) + 0.5 - half_box, persistent=False)

    def session(self, portrait: Tensor, teeth: Tensor | None = None) -> Tensors:
        """Of the portraits [B, 4, 112, 112]: what is around the mouth [B, 4, 64, 80], -1..1; teeth [B, 4, 40, 56], and what
        the first layers make of them; the light [B, 3, 1, 1]. teeth: others than the weights'."""
        x0, y0, x1, y1 = MOUTH_BOX
        around = portrait[..., y0 - MARGIN : y1 + MARGIN, x0 - MARGIN : x1 + MARGIN]
        teeth = self.lent.session(portrait, around[:, :3].mean((2, 3), keepdim=True), teeth)
        return {
            "mouth_portrait": around * 2 - 1,
            "mouth_light": light_of(around[:, :3]),
            "mouth_teeth": teeth,
            "skip_teeth_28": self.teeth_28(teeth),
            "skip_teeth_56": self.teeth_56(teeth),
        }

    def forward(self, known: Tensor, flow: Tensor, identity: Tensors) -> tuple[Tensor, Tensor]:
        """N is a multiple of the sessions B."""
        offsets = self.rows @ flow @ self.columns  # as `warp` enlarges it: separable
        seen = torch.cat([self._moved(identity["mouth_portrait"], offsets), offsets / PIXELS], 1)
        half = relu(add_session(self.seen_28(seen), identity["skip_teeth_28"]))
        x = relu(self.at_14(torch.cat([known, relu(self.seen_14(half))], 1)))
        x = x + relu(self.again_14(x))
        x = relu(self.at_28(_doubled(x))) + half
        x = x + relu(self.again_28(x))
        x = relu(self.at_56(_doubled(x)) + add_session(self.seen_56(seen), identity["skip_teeth_56"]))
        x = x + relu(self.again_56(x))
        painted = self.to_mouth(x)
        colours, mask = torch.sigmoid(painted[:, :3]), torch.sigmoid(painted[:, 3:4])
        own, teeth = seen[:, :3] / 2 + 0.5, each_frames(identity["mouth_teeth"], painted.shape[0])
        wanted = torch.softmax(painted[:, 4:], 1)
        moved, shown = wanted[:, 1:2], wanted[:, 2:]
        of_teeth = shown * teeth[:, 3:]
        made_up = 1 - moved - of_teeth
        colours = in_its_light(colours, each_frames(identity["mouth_light"], colours.shape[0]))
        paint = colours * made_up + own * moved + teeth[:, :3] * shown
        return torch.cat([paint, mask], 1), torch.cat([made_up, moved, of_teeth], 1)

    def _moved(self, portrait: Tensor, offsets: Tensor) -> Tensor:
        """The mouth box [N, 4, 40, 56] of the portraits, seen through offsets [N, 2, 40, 56] in pixels."""
        portrait = each_frames(portrait, offsets.shape[0])
        # Places in bfloat16 would be rounded to half a pixel. OpenVINO takes no notice of `float`: so they count from the middle.
        place = self.pixels.float() + offsets.float()
        x, y = place[:, 0] * (2 / portrait.shape[-1]), place[:, 1] * (2 / portrait.shape[-2])
        seen = F.grid_sample(portrait.float(), torch.stack([x, y], -1), padding_mode="border", align_corners=False)
        return seen.to(offsets.dtype)


def _doubled(x: Tensor) -> Tensor:
    """Bilinear: learnt transposed convolutions left a fine grid on teeth."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
