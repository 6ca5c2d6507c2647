"""Losses are zero on what is wanted and fall towards it, shown with pictures."""

import pytest
import torch
from torch import Tensor

from realtime.generators.layers.flow_head import warp
from training.losses import motion, picture
from training.preprocessing import KEPT_LANDMARKS

THERE, HERE = (40, 60), (46, 57)  # x, y of a dot on the portrait and on the target


def with_dot(x: int, y: int) -> Tensor:
    crop = torch.zeros(1, 3, 112, 112)
    crop[:, :, y - 2 : y + 3, x - 2 : x + 3] = 1
    return crop


def points(place: tuple[int, int], frames: int) -> Tensor:
    """All landmarks of each frame at one place [1, frames, K, 2]."""
    return torch.tensor(place, dtype=torch.float32).expand(1, frames, len(KEPT_LANDMARKS), 2)


def test_the_flow_that_moves_the_dot_costs_nothing_and_its_opposite_does() -> None:
    flow = torch.zeros(1, 2, 2, 28, 28)
    flow[:, :, 0], flow[:, :, 1] = THERE[0] - HERE[0], THERE[1] - HERE[1]
    assert torch.equal(warp(with_dot(*THERE), flow[:, 0]).round(decimals=4), with_dot(*HERE))
    right = motion.landmark_flow(flow, points(HERE, 2), points(THERE, 1)[:, 0])
    wrong = motion.landmark_flow(-flow, points(HERE, 2), points(THERE, 1)[:, 0])
    assert max(right) < 1e-6
    assert wrong[0] > 1
    assert wrong[1] < 1e-6  # wrong throughout, but nothing moves wrongly


def test_movement_is_the_error_of_the_change() -> None:
    """The target's landmarks jump by 2 pixels and the flow does not."""
    landmarks = torch.cat([points((50, 60), 1), points((52, 60), 1)], 1)
    still = torch.zeros(1, 2, 2, 28, 28)
    _, movement = motion.landmark_flow(still, landmarks, points((50, 60), 1)[:, 0])
    assert movement > 0.1


def test_learning_by_landmarks_moves_the_picture_the_right_way() -> None:
    """From rest, descent on the landmark loss alone brings the portrait's dot to where the target has it."""
    flow = torch.zeros(1, 1, 2, 28, 28, requires_grad=True)
    optimiser = torch.optim.Adam([flow], 0.5)
    portrait, target = with_dot(*THERE), with_dot(*HERE)
    before = picture.reconstruction(warp(portrait, flow[:, 0]), target)
    grid = torch.stack(torch.meshgrid(torch.arange(36, 58, 2.0), torch.arange(47, 69, 2.0), indexing="xy"), -1).reshape(-1, 2)
    nearby = grid[: len(KEPT_LANDMARKS)][None, None]
    shift = torch.tensor(THERE) - torch.tensor(HERE)
    for _ in range(60):
        position, _ = motion.landmark_flow(flow, nearby, nearby[:, 0] + shift)
        optimiser.zero_grad()
        (position + 0.01 * motion.roughness(flow[:, 0])).backward()
        optimiser.step()
    after = warp(portrait, flow[:, 0])
    assert picture.reconstruction(after, target) < 0.2 * before
    y, x = divmod(int(after[0, 0].argmax()), 112)
    assert abs(x - HERE[0]) <= 2
    assert abs(y - HERE[1]) <= 2


def test_picture_losses_are_zero_on_perfect_pictures_and_positive_on_others() -> None:
    torch.manual_seed(0)
    crop = torch.rand(2, 3, 112, 112)
    assert picture.reconstruction(crop, crop) == 0
    assert picture.identity(crop, crop) == 0
    assert picture.reconstruction(crop, 1 - crop) > picture.identity(crop, 1 - crop) > 0


def test_identity_looks_at_the_upper_half_alone() -> None:
    crop, other = torch.zeros(1, 3, 112, 112), torch.zeros(1, 3, 112, 112)
    other[..., 56:, :] = 1
    assert picture.identity(other, crop) == 0
    assert picture.reconstruction(other, crop) > 0


def test_the_mouth_counts_more_than_the_rest() -> None:
    crop, in_mouth, elsewhere = (torch.zeros(1, 3, 112, 112) for _ in range(3))
    in_mouth[..., 60:70, 50:60] = 1
    elsewhere[..., 2:12, 50:60] = 1
    assert picture.reconstruction(in_mouth, crop) > 5 * picture.reconstruction(elsewhere, crop)


def test_paint_is_judged_where_the_mouth_is_open() -> None:
    mouth, target, opening = torch.zeros(1, 3, 40, 56), torch.ones(1, 3, 40, 56), torch.zeros(1, 40, 56)
    assert picture.painted(mouth, target, opening) == 0
    opening[:, 10:20, 10:20] = 1
    assert picture.painted(mouth, target, opening) == pytest.approx(1)
    assert picture.painted(target, target, opening) == 0


def test_the_mask_is_drawn_to_the_opening() -> None:
    opening = torch.zeros(1, 40, 56)
    opening[:, 10:20, 10:20] = 1
    mask = torch.full((1, 40, 56), 0.5, requires_grad=True)
    picture.opening_mask(mask, opening, torch.zeros_like(opening)).backward()
    assert mask.grad is not None
    assert (mask.grad[opening == 1] < 0).all()
    assert (mask.grad[opening == 0] > 0).all()
    assert picture.opening_mask(opening, opening, torch.zeros_like(opening)) < 1e-3


def test_the_mask_may_be_what_it_will_where_a_mouth_is_to_be_covered() -> None:
    opening, cover = torch.zeros(1, 40, 56), torch.zeros(1, 40, 56)
    opening[:, 10:20, 10:20] = 1
    cover[:, 5:25, 5:25] = 1
    mask = torch.full((1, 40, 56), 0.5, requires_grad=True)
    picture.opening_mask(mask, opening, cover).backward()
    assert mask.grad is not None
    assert (mask.grad[opening == 1] < 0).all(), "an open mouth is painted all the same"
    assert (mask.grad[(cover == 1) & (opening == 0)] == 0).all()
    assert (mask.grad[cover == 0] > 0).all()


def test_paint_is_spared_where_the_lips_may_do() -> None:
    """Not in the open mouth, and not where none is allowed, of which the mask's own loss speaks."""
    opening, cover = torch.zeros(1, 40, 56), torch.zeros(1, 40, 56)
    opening[:, 10:20, 10:20] = 1
    cover[:, 5:25, 5:25] = 1
    mask = torch.full((1, 40, 56), 0.5, requires_grad=True)
    cost = picture.spared(mask, opening, cover)
    cost.backward()
    assert cost.item() == pytest.approx(0.5)
    assert mask.grad is not None
    assert (mask.grad[(cover == 1) & (opening == 0)] > 0).all()
    assert (mask.grad[(cover == 0) | (opening == 1)] == 0).all()
    assert picture.spared(mask, opening, opening) == 0, "nothing to spare is no division by nothing"


def test_a_source_is_chosen_where_there_is_to_be_paint() -> None:
    """One source costs nothing, an even mixture of three two thirds; where no paint is wanted anything may be."""
    shares, where = torch.full((1, 3, 40, 56), 1 / 3), torch.zeros(1, 40, 56)
    where[:, 10:20, 10:20] = 1
    assert picture.undecided(shares, where).item() == pytest.approx(2 / 3)
    shares[:, :, 10:20, 10:20] = torch.tensor([0.8, 0.2, 0.0]).view(3, 1, 1)
    assert picture.undecided(shares, where).item() == pytest.approx(0.32)
    shares[:, :, 10:20, 10:20] = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1)
    assert picture.undecided(shares, where) == 0
    assert picture.undecided(shares, where * 0) == 0, "nothing to paint is no division by nothing"


def test_bends_cost_and_shifts_and_slopes_do_not() -> None:
    slope = torch.arange(28.0).expand(1, 2, 28, 28)
    assert motion.roughness(slope) == 0
    assert motion.roughness(slope.transpose(2, 3) + 3) == 0
    assert motion.roughness(slope**2) > 0
