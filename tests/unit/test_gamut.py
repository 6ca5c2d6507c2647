"""Paint has the light of the portrait that it is laid on."""

import pytest
import torch

from realtime.generators.layers.gamut import in_its_light, light_of


def picture(*colours: tuple[float, float, float]) -> torch.Tensor:
    """One even picture [1, 3, 8, 10] a colour, 0..1: [N, 3, 8, 10]."""
    return torch.tensor(colours).view(-1, 3, 1, 1).expand(-1, -1, 8, 10)


SKIN = picture((0.6, 0.45, 0.4))  # three parts of green for four of red
LIGHT = light_of(SKIN)


def test_green_is_taken_back_to_the_portraits() -> None:
    paint = in_its_light(picture((0.28, 0.4, 0.2)), LIGHT)
    assert paint[0, :, 3, 3].tolist() == pytest.approx([0.28, 0.21, 0.2])


def test_what_is_left_is_not_lilac() -> None:
    """Blue goes with green, with a tenth to spare, since teeth are less yellow than skin."""
    paint = in_its_light(picture((0.8, 0.78, 0.76)), LIGHT)
    assert paint[0, :, 3, 3].tolist() == pytest.approx([0.8, 0.6, 0.6 * 1.1 * 0.4 / 0.45])


def test_redder_paint_is_as_it_was() -> None:
    lips_and_teeth = torch.cat([picture((0.6, 0.3, 0.28)), picture((0.8, 0.6, 0.5))], 3)
    assert torch.allclose(in_its_light(lips_and_teeth, LIGHT), lips_and_teeth)


def test_nothing_has_colour_in_a_picture_without() -> None:
    """And in one of faint colour, a part of it."""
    red, grey, faint = picture((0.3, 0.2, 0.19)), picture((0.5, 0.5, 0.5)), picture((0.5, 0.49, 0.47))
    worn = [in_its_light(red, light_of(light))[0, :, 0, 0] for light in (grey, faint, SKIN)]
    assert worn[0].tolist() == pytest.approx([0.22876] * 3)
    assert 0.03 < worn[1].max() - worn[1].min() < 0.07
    assert worn[2].tolist() == pytest.approx([0.3, 0.2, 0.19])


def test_a_black_portrait_is_no_division_by_nothing() -> None:
    black = picture((0.0, 0.0, 0.0))
    assert in_its_light(picture((0.2, 0.1, 0.1)), light_of(black)).isfinite().all()
