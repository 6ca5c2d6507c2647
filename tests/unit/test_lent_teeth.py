"""A mouth that shows no teeth is lent some, in the portrait's light; one that shows its own keeps them."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from realtime.alignment import MOUTH_BOX
from realtime.generators.layers.lent_teeth import LentTeeth, in_light_of
from realtime.lip_map import LIPS, OPENING

X0, Y0, X1, Y1 = MOUTH_BOX
SKIN = torch.tensor([0.6, 0.45, 0.4]).view(1, 3, 1, 1)


def lender(colour: tuple[float, float, float] = (0.7, 0.6, 0.55)) -> LentTeeth:
    """Teeth of one colour, photographed in a face of SKIN, over half of the mouth box."""
    teeth, pixels = LentTeeth(), torch.zeros(4, 2 * (Y1 - Y0), 2 * (X1 - X0))
    pixels[:3, 20:60] = torch.tensor(colour).view(3, 1, 1)
    pixels[3, 20:60] = 1
    teeth.take(pixels, SKIN.flatten())
    return teeth


def portrait(open_pixels: int) -> torch.Tensor:
    """A face of one colour whose lips are so many square pixels apart: [1, 4, 112, 112]."""
    face = torch.cat([SKIN.expand(1, 3, 112, 112), torch.zeros(1, 1, 112, 112)], 1).clone()
    face[:, 3, Y0 + 5 : Y0 + 25, X0 + 5 : X0 + 45] = LIPS / OPENING
    face[:, 3, Y0 + 10 : Y0 + 10 + open_pixels // 40, X0 + 5 : X0 + 45] = 1
    return face


def test_closed_lips_are_lent_teeth() -> None:
    teeth = lender()
    seen = teeth.session(portrait(40), SKIN)
    assert torch.allclose(seen[0], teeth.pixels, atol=1e-6)


def test_an_open_mouth_keeps_its_own() -> None:
    """They stay where the portrait has them."""
    shown = portrait(160)
    shown[:, :3, Y0:Y1, X0:X1] = torch.rand(1, 3, Y1 - Y0, X1 - X0, generator=torch.Generator().manual_seed(0))
    seen = lender().session(shown, SKIN)
    between = (slice(None), slice(None), slice(21, 27), slice(11, 89))  # an element less than is open, all around
    assert torch.allclose(
        seen[between][:, :3], interpolate(shown[..., Y0:Y1, X0:X1], scale_factor=2, mode="bilinear")[between][:, :3]
    )
    assert torch.equal(seen[between][:, 3], torch.ones(1, 6, 78))
    seen[..., 19:29, 9:91] = 0
    assert not seen.any()


def test_those_that_are_given_take_the_weights_place_and_no_ones_own() -> None:
    given = torch.rand(2, 4, Y1 - Y0, X1 - X0)
    portraits = torch.cat([portrait(40), portrait(160)])
    seen = lender().session(portraits, SKIN, given)
    assert torch.equal(avg_pool2d(seen[:1], 2), given[:1])
    assert torch.equal(seen[1:], lender().session(portrait(160), SKIN))


def test_weights_of_before_lend_their_teeth_as_soft_as_they_were() -> None:
    coarse = torch.rand(4, Y1 - Y0, X1 - X0)
    teeth = LentTeeth()
    teeth.load_state_dict({"pixels": coarse, "face": SKIN.flatten()})
    assert torch.equal(avg_pool2d(teeth.pixels[None], 2)[0], coarse)
    again = LentTeeth()
    again.load_state_dict(teeth.state_dict())
    assert torch.equal(again.pixels, teeth.pixels)


def test_a_darker_face_has_darker_teeth_by_the_root() -> None:
    """A face may be dark for want of light or by itself."""
    as_lent, dark = (lender().session(portrait(40), SKIN * light)[0, :3, 40, 40] for light in (1, 0.25))
    assert (dark / as_lent).tolist() == pytest.approx([0.5] * 3)


def test_a_warmer_light_is_on_the_teeth_too() -> None:
    factors = in_light_of(SKIN * torch.tensor([1.2, 1.0, 0.8]).view(3, 1, 1), SKIN).flatten()
    assert (factors / factors[1]).tolist() == pytest.approx([1.2, 1.0, 0.8])


def test_no_light_makes_teeth_green_or_blue() -> None:
    """A sepia photograph's skin has less red than skin, and its teeth have the skin's hue, not the opposite one."""
    sepia = torch.tensor([0.525, 0.5, 0.475]).view(1, 3, 1, 1)
    red, green, blue = lender((0.7, 0.65, 0.62)).session(portrait(40), sepia)[0, :3, 40, 40].tolist()
    assert green / red == pytest.approx(0.5 / 0.525)
    assert blue / green == pytest.approx(0.475 / 0.5)


def test_without_teeth_nothing_is_lent() -> None:
    assert not LentTeeth().session(portrait(40), SKIN).any()
