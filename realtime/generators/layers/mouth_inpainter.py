"""What lies between lips that have moved, painted by a network that sees them moved.

The decoder's own mouth (`flow_head.py`) has to guess where the flow puts the lips; this network is shown it: the portrait's mouth
as the flow leaves it, lip map included, beside the flow and what the head knows. So paint ends where the lips begin, and what
remains of a portrait's own teeth between lips that close is seen and covered. Inpainting of what a warp uncovers:
A. Siarohin, S. Lathuilière, S. Tulyakov, E. Ricci, N. Sebe, *First order motion model for image animation*, NeurIPS 2019, 3.2.

It says of each crop pixel what is to be seen there, and of that paint is made twice as fine. What is moved is not painted: under
the paint is the portrait itself, moved at its own resolution (docs/decisions/0040-paint-as-fine-as-the-picture.md).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX, PAINT_FINENESS
from realtime.generators.layers.gamut import in_its_light, light_of
from realtime.generators.layers.identity import CHANNELS
from realtime.generators.layers.lent_teeth import LentTeeth
from realtime.generators.layers.session_skip import add_session, each_frames
from realtime.generators.streaming import Tensors

MARGIN = 12  # crop pixels around the mouth box that the flow may bring into it
PIXELS = 4.0  # of flow that are one unit to the network
SOURCES = ("made up", "moved", "teeth")


class Inside(NamedTuple):
    """What is to be seen between the lips, at crop pixels. mask [N, 1, 40, 56]: where, 0..1. shares [N, 3, 40, 56]: of what is
    seen there, 1 in all, that come of each of SOURCES: made up by the network, the portrait as the flow moves it, or teeth that
    stay where they are (`lent_teeth.py`). paint [N, 3, 40, 56]: colours 0..1 of what is made up and of teeth, times their shares.
    """

    paint: Tensor
    mask: Tensor
    shares: Tensor

    def colours(self, moved: Tensor) -> Tensor:
        """All that is seen [N, 3, 40, 56], with the moved portrait's [N, 3, 40, 56] share."""
        return self.paint + moved * self.shares[:, 1:2]


class MouthInpainter(nn.Module):
    """What the head knows over the mouth box [N, width, 10, 14], the flow [N, 2, 28, 28] and what `session` returns → what is to
    be seen there, as the network says it (`forward`); of that, as pictures in the portrait's light (`inside`, `laid`)."""

    rows: Tensor
    columns: Tensor
    finer_rows: Tensor
    finer_columns: Tensor
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
        self.register_buffer("finer_rows", _enlarging(y1 - y0), persistent=False)
        self.register_buffer("finer_columns", _enlarging(x1 - x0).T.contiguous(), persistent=False)
        y, x = torch.meshgrid(torch.arange(y1 - y0), torch.arange(x1 - x0), indexing="ij")
        half_box = torch.tensor([x1 - x0, y1 - y0]).view(2, 1, 1) / 2
        self.register_buffer("pixels", torch.stack([x, y]) + 0.5 - half_box, persistent=False)

    def session(self, portrait: Tensor, teeth: Tensor | None = None) -> Tensors:
        """Of the portraits [B, 4, 112, 112]: what is around the mouth [B, 4, 64, 80], -1..1; teeth [B, 4, 80, 112], and
        what the first layers make of them; the light [B, 3, 1, 1]. teeth: others [B, 4, 40, 56] than the weights'."""
        x0, y0, x1, y1 = MOUTH_BOX
        around = portrait[..., y0 - MARGIN : y1 + MARGIN, x0 - MARGIN : x1 + MARGIN]
        fine = self.lent.session(portrait, around[:, :3].mean((2, 3), keepdim=True), teeth)
        seen = F.avg_pool2d(fine, PAINT_FINENESS)
        return {
            "mouth_portrait": around * 2 - 1,
            "mouth_light": light_of(around[:, :3]),
            "mouth_teeth": fine,
            "skip_teeth_28": self.teeth_28(seen),
            "skip_teeth_56": self.teeth_56(seen),
        }

    def forward(self, known: Tensor, flow: Tensor, identity: Tensors) -> Tensor:
        """→ [N, 7, 40, 56], what `inside` and `laid` take. N is a multiple of the sessions B."""
        offsets = self.rows @ flow @ self.columns  # as `warp` enlarges it: separable
        seen = torch.cat([self._moved(identity["mouth_portrait"], offsets), offsets / PIXELS], 1)
        half = relu(add_session(self.seen_28(seen), identity["skip_teeth_28"]))
        x = relu(self.at_14(torch.cat([known, relu(self.seen_14(half))], 1)))
        x = x + relu(self.again_14(x))
        x = relu(self.at_28(_doubled(x))) + half
        x = x + relu(self.again_28(x))
        x = relu(self.at_56(_doubled(x)) + add_session(self.seen_56(seen), identity["skip_teeth_56"]))
        x = x + relu(self.again_56(x))
        said: Tensor = self.to_mouth(x)
        return said

    def inside(self, said: Tensor, identity: Tensors) -> Inside:
        """What `forward` said → what is to be seen, at crop pixels: what it learns by."""
        teeth, share = F.avg_pool2d(each_frames(identity["mouth_teeth"], said.shape[0]), PAINT_FINENESS).split([3, 1], 1)
        colours, mask = self._made_up(said, identity), torch.sigmoid(said[:, 3:4])
        wanted = torch.softmax(said[:, 4:], 1)
        moved, shown = wanted[:, 1:2], wanted[:, 2:]
        of_teeth = shown * share
        made_up = 1 - moved - of_teeth
        return Inside(colours * made_up + teeth * shown, mask, torch.cat([made_up, moved, of_teeth], 1))

    def laid(self, said: Tensor, identity: Tensors) -> Tensor:
        """What `forward` said → mouth [N, 4, 80, 112], R, G, B times mask, and mask: what is to be laid over the moved portrait,
        which itself shows what is moved. Where it ends, and where one source ends and another begins, the edge is as steep from
        element to element as it was learnt from pixel to pixel."""
        mask, made_up, moved, teeth = (PAINT_FINENESS * said[:, 3:]).split(1, 1)
        colours = self._made_up(said, identity)
        # A softmax as two choices, moved or not and teeth or not: least is to reckon for each of the many elements.
        teeth = teeth - made_up
        moved = moved - made_up - softplus(teeth)
        paint = self._finer(torch.cat([colours, torch.ones_like(mask)], 1))
        shown = torch.sigmoid(self._finer(teeth))
        lent = each_frames(identity["mouth_teeth"], said.shape[0])
        paint = paint * (1 - shown * lent[:, 3:]) + lent * shown
        return paint * (torch.sigmoid(self._finer(mask)) * torch.sigmoid(-self._finer(moved)))

    def _made_up(self, said: Tensor, identity: Tensors) -> Tensor:
        """Colours [N, 3, 40, 56] in the portrait's light."""
        return in_its_light(torch.sigmoid(said[:, :3]), each_frames(identity["mouth_light"], said.shape[0]))

    def _finer(self, x: Tensor) -> Tensor:
        """Bilinear, and separable: a sixth of what an interpolation takes on a processor."""
        return self.finer_rows @ x @ self.finer_columns

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


def _enlarging(cells: int) -> Tensor:
    """The matrix that takes so many crop pixels in a row to elements of paint."""
    return F.interpolate(torch.eye(cells)[None, None], size=(PAINT_FINENESS * cells, cells), mode="bilinear")[0, 0]
