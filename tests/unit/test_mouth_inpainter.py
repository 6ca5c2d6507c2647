"""The network that paints the mouth sees the picture that its paint is laid on."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from realtime.alignment import MOUTH_BOX
from realtime.generators.layers.flow_head import FlowHead, warp
from realtime.generators.layers.gamut import in_its_light, light_of
from realtime.generators.layers.mouth_inpainter import MARGIN, SOURCES, MouthInpainter

X0, Y0, X1, Y1 = MOUTH_BOX


def a_face(sessions: int) -> torch.Tensor:
    """Smooth noise [B, 4, 112, 112], 0..1."""
    coarse = torch.rand(sessions, 4, 28, 28, generator=torch.Generator().manual_seed(sessions))
    return interpolate(coarse, size=(112, 112), mode="bicubic", align_corners=False).clamp(0, 1)


def a_flow(frames: int) -> torch.Tensor:
    coarse = torch.randn(frames, 2, 7, 7, generator=torch.Generator().manual_seed(frames))
    return 2 * interpolate(coarse, size=(28, 28), mode="bicubic", align_corners=False)


def test_it_sees_what_the_flow_shows() -> None:
    """The very pixels of `warp`, from the portrait's surroundings of the mouth alone."""
    network, portrait, flow = MouthInpainter(8), a_face(2), a_flow(2)
    offsets = network.rows @ flow @ network.columns
    seen = network._moved(network.session(portrait)["mouth_portrait"], offsets)
    wanted = warp(portrait * 2 - 1, flow)[..., Y0:Y1, X0:X1]
    assert flow.abs().max() > 2
    assert (seen - wanted).abs().max() < 1e-4


def only(network: MouthInpainter, source: str) -> None:
    """Whatever it sees, it says of every pixel that this source is to be seen there."""
    with torch.no_grad():
        network.to_mouth.weight.zero_()
        network.to_mouth.bias.zero_()  # type: ignore[union-attr]
        network.to_mouth.bias[4 + SOURCES.index(source)] = 20.0  # type: ignore[index]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_is_what_it_is_called(source: str) -> None:
    """All made up: its paint in the portrait's light, whatever is seen. All moved: the moved portrait's own colours. All teeth:
    those, where the flow does not move them, and paint where there are none."""
    network, portrait, flow = MouthInpainter(8).eval(), a_face(2), a_flow(2)
    teeth = torch.cat([torch.full((2, 3, Y1 - Y0, X1 - X0), 0.75), torch.ones(2, 1, Y1 - Y0, X1 - X0)], 1)
    teeth[..., : (X1 - X0) // 2] = 0
    portrait[:, 3] = 0  # shows none of its own
    only(network, source)
    identity = network.session(portrait, teeth)
    inside, moved = network.inside(network(torch.rand(2, 8, 10, 14), flow, identity), identity), warp(portrait, flow)
    around = portrait[:, :3, Y0 - MARGIN : Y1 + MARGIN, X0 - MARGIN : X1 + MARGIN]
    made_up = in_its_light(torch.full_like(inside.paint, 0.5), light_of(around))
    of_portrait = moved[:, :3, Y0:Y1, X0:X1]
    wanted = {"made up": made_up, "moved": of_portrait, "teeth": teeth[:, :3] + (1 - teeth[:, 3:]) * made_up}
    assert (inside.colours(of_portrait) - wanted[source]).abs().max() < 1e-4
    of_teeth = teeth[:, 3] if source == "teeth" else torch.zeros_like(teeth[:, 3])
    assert torch.allclose(inside.shares[:, 2], of_teeth, atol=1e-4)
    assert torch.allclose(inside.shares.sum(1), torch.ones_like(inside.shares[:, 0]))


def test_what_is_laid_on_the_moved_portrait_is_what_was_learnt() -> None:
    """Where what was said is even, and twice as decided: the same picture. What is moved is left to the portrait itself."""
    network, portrait = MouthInpainter(8).eval(), a_face(3)
    said = torch.randn(3, 7, 1, 1, generator=torch.Generator().manual_seed(0)).expand(-1, -1, Y1 - Y0, X1 - X0)
    decided = torch.cat([said[:, :3], 2 * said[:, 3:]], 1)
    moved, teeth = torch.rand(3, 3, 1, 1), torch.rand(3, 4, 1, 1) * torch.tensor([0.5, 0.5, 0.5, 1]).view(1, 4, 1, 1)
    identity = network.session(portrait) | {"mouth_teeth": teeth.expand(-1, -1, 2 * (Y1 - Y0), 2 * (X1 - X0))}
    inside = network.inside(decided, identity)
    seen = moved * (1 - inside.mask) + inside.colours(moved) * inside.mask
    laid = network.laid(said, identity)
    assert laid.shape == (3, 4, 2 * (Y1 - Y0), 2 * (X1 - X0))
    assert (moved * (1 - laid[:, 3:]) + laid[:, :3] - seen[..., :1, :1]).abs().max() < 1e-5
    only(network, "moved")
    assert network.laid(network(torch.rand(3, 8, 10, 14), a_flow(3), identity), identity).abs().max() < 1e-6


def test_what_is_made_finer_lies_where_it_was() -> None:
    """The mean of a pixel's elements is the pixel, on any slope; so pictures of both finenesses lie on each other."""
    network = MouthInpainter(8)
    slope = torch.linspace(0, 1, Y1 - Y0)[:, None] + torch.linspace(0, 3, X1 - X0)
    inner = (..., slice(1, -1), slice(1, -1))
    assert torch.allclose(avg_pool2d(network._finer(slope[None, None]), 2)[inner], slope[None, None][inner], atol=1e-5)


def test_edges_are_as_steep_from_element_to_element_as_they_were_learnt_from_pixel_to_pixel() -> None:
    """The paint's own, and those where one source ends and another begins."""
    network, portrait = MouthInpainter(8).eval(), a_face(1)
    identity = network.session(portrait)
    ramp, said = torch.linspace(-10, 10, X1 - X0), torch.zeros(1, 7, Y1 - Y0, X1 - X0)
    said[:, 3], said[:, 4], said[:, 6] = 20, ramp, -20  # made up against moved: what is laid is what is made up
    learnt = torch.sigmoid(ramp).diff().max().item()
    assert network.laid(said, identity)[0, 3].diff(dim=1).max().item() == pytest.approx(learnt, rel=0.05)
    said[:, 3], said[:, 4] = ramp, 20
    assert network.laid(said, identity)[0, 3].diff(dim=1).max().item() == pytest.approx(learnt, rel=0.05)


def test_teeth_are_laid_as_fine_as_they_are_lent() -> None:
    """A stripe an element wide is seen; the layers that decide have seen its mean."""
    network, portrait = MouthInpainter(8).eval(), a_face(1)
    portrait[:, 3] = 0
    stripes = torch.ones(4, 2 * (Y1 - Y0), 2 * (X1 - X0))
    stripes[:3, :, ::2] = 0.2
    around = portrait[0, :3, Y0 - MARGIN : Y1 + MARGIN, X0 - MARGIN : X1 + MARGIN]
    network.lent.take(stripes, around.mean((1, 2)))
    only(network, "teeth")
    with torch.no_grad():
        network.to_mouth.bias[3] = 20.0  # type: ignore[index]
    identity = network.session(portrait)
    laid = network.laid(network(torch.rand(1, 8, 10, 14), a_flow(1), identity), identity)
    assert (laid[:, 0, :, 1::2] - laid[:, 0, :, ::2]).mean().item() == pytest.approx(0.8, abs=0.01)
    assert torch.allclose(identity["skip_teeth_56"], network.teeth_56(avg_pool2d(identity["mouth_teeth"], 2)))


def test_bfloat16_sees_the_same_places() -> None:
    """A ramp that grows by one a pixel, seen in bfloat16, is off by what its own values round by, and no place besides."""
    network, flow = MouthInpainter(8), a_flow(4)
    ramp = torch.linspace(-1, 1, 81)[:-1].add(1 / 80).expand(1, 4, 64, 80)
    offsets = (network.rows @ flow @ network.columns).bfloat16()
    wanted = network._moved(ramp, offsets.float())
    seen = network.bfloat16()._moved(ramp.bfloat16(), offsets)
    assert seen.dtype == torch.bfloat16
    assert (seen.float() - wanted).abs().max() * 40 < 0.25


def test_each_session_sees_its_own_portrait() -> None:
    """Two sessions of three frames each are what each is alone."""
    torch.manual_seed(0)
    network, portrait, flow = MouthInpainter(8).eval(), a_face(2), a_flow(6)
    known = torch.rand(6, 8, 10, 14)
    teeth = torch.rand(2, 4, Y1 - Y0, X1 - X0)
    together = network(known, flow, network.session(portrait))
    pictures = drawn(network, together, network.session(portrait, teeth))
    for session in range(2):
        frames = slice(3 * session, 3 * session + 3)
        one = slice(session, session + 1)
        alone = network(known[frames], flow[frames], network.session(portrait[one]))
        for picture, own in zip(pictures, drawn(network, alone, network.session(portrait[one], teeth[one])), strict=True):
            assert (picture[frames] - own).abs().max() < 1e-5
        assert (together[frames] - alone).abs().max() < 1e-5
    swapped = network(known, flow, network.session(portrait.flip(0)))
    assert (together - swapped).abs().max() > 1e-3


def drawn(network: MouthInpainter, said: torch.Tensor, identity: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return network.laid(said, identity), *network.inside(said, identity)


def test_paint_follows_the_flow_that_is_given() -> None:
    """A head's mouth is painted for the flow it is shown, and ends before the box does."""
    torch.manual_seed(0)
    head = FlowHead(16, (4, 8, 16, 32), 8, mouth_is="inpainted").eval()
    maps = [torch.rand(1, c, side, side) for c, side in ((4, 56), (8, 28), (16, 14), (32, 7))]
    identity = head.session(a_face(1), maps)
    known, still = head.moved(torch.rand(3, 16), identity)
    assert not still.any()
    at_rest, moved = head.mouth(known, still, identity), head.mouth(known, a_flow(3), identity)
    assert (at_rest - moved).abs().max() > 1e-3
    assert moved.shape == (3, 4, 80, 112)
    assert not moved[:, :, [0, 1, -2, -1]].any()
    assert not moved[:, :, :, [0, 1, -2, -1]].any()
