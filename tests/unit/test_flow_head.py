"""What the flow head hands on: a mouth whose colours carry its mask, and the crop that it makes of a portrait."""

import pytest
import torch

from realtime.alignment import MOUTH_BOX
from realtime.generators.layers.flow_head import FlowHead, Mouth, warp

X0, Y0, X1, Y1 = MOUTH_BOX
WIDTHS = (4, 8, 16, 32)


def head(mouth: Mouth) -> FlowHead:
    torch.manual_seed(0)
    return FlowHead(16, WIDTHS, 8, mouth_is=mouth).eval()


@pytest.mark.parametrize(("mouth", "elements"), [("decoded", 1), ("inpainted", 2)])
def test_a_mouths_colours_carry_its_mask(mouth: Mouth, elements: int) -> None:
    """No colour is stronger than its mask, and there is none on the box's border."""
    network = head(mouth)
    maps = [torch.rand(1, c, side, side) for c, side in zip(WIDTHS, (56, 28, 14, 7), strict=True)]
    painted = network(torch.rand(3, 16), network.session(torch.rand(1, 4, 112, 112), maps))["mouth"]
    assert painted.shape == (3, 4, elements * (Y1 - Y0), elements * (X1 - X0))
    assert painted[:, 3].max() > 1e-3
    assert (painted[:, :3] <= painted[:, 3:] + 1e-6).all()
    assert not painted[..., :elements, :].any()
    assert not painted[..., -elements:, :].any()
    assert not painted[..., :elements].any()
    assert not painted[..., -elements:].any()


@pytest.mark.parametrize("elements", [1, 2])
def test_the_picture_is_the_moved_portrait_with_the_mouth_laid_over_it(elements: int) -> None:
    """Of a finer mouth, as much as a crop pixel shows of it."""
    portrait, flow = torch.rand(1, 3, 112, 112), torch.zeros(1, 2, 28, 28)
    flow[..., 8:20, 8:20] = 1.5
    mask, colour = torch.rand(1, 1, Y1 - Y0, X1 - X0), torch.rand(1, 3, Y1 - Y0, X1 - X0)
    coarse = torch.cat([colour * mask, mask], 1)
    mouth = coarse.repeat_interleave(elements, 2).repeat_interleave(elements, 3)
    if elements == 2:  # the same in the mean, but in no element of it
        mouth[..., ::2] *= 0.5
        mouth[..., 1::2] *= 1.5
    crop = head("decoded").picture({"flow": flow, "mouth": mouth}, portrait)
    wanted = warp(portrait, flow)
    wanted[..., Y0:Y1, X0:X1] = wanted[..., Y0:Y1, X0:X1] * (1 - mask) + colour * mask
    assert torch.allclose(crop, wanted, atol=1e-5)
