"""A flow that is led to the target's landmarks, and nowhere else."""

import torch

from training.aligned_flow import aligned
from training.losses.motion import sample_flow


def a_mouth(opening: float) -> torch.Tensor:
    """Landmarks [1, 32, 2]: two lips, each a curve of eight points within and without, crop pixels."""
    x = torch.linspace(40, 72, 8)
    bow = 1 - ((x - 56) / 16) ** 2
    curves = [72 - 4 * bow - opening / 2 * bow, 72 - opening / 2 * bow, 72 + opening / 2 * bow, 72 + 5 * bow + opening / 2 * bow]
    return torch.cat([torch.stack([x, y], 1) for y in curves])[None]


def missed(flow: torch.Tensor, landmarks: torch.Tensor, portrait: torch.Tensor) -> float:
    """Mean distance in crop pixels from where the flow leads to the portrait's landmarks."""
    return float((portrait - landmarks - sample_flow(flow, landmarks)).norm(dim=2).mean())


def test_it_leads_to_the_landmarks() -> None:
    """From a closed mouth to an open one: the lips' edges are 7 pixels apart that touched."""
    portrait, target, still = a_mouth(1), a_mouth(8), torch.zeros(1, 2, 28, 28)
    assert missed(still, target, portrait) > 1.5
    assert missed(aligned(still, target, portrait), target, portrait) < 0.5


def test_a_flow_that_is_right_stays_as_it_is() -> None:
    portrait, target, still = a_mouth(1), a_mouth(8), torch.zeros(1, 2, 28, 28)
    once = aligned(still, target, portrait)
    assert (aligned(once, target, portrait) - once).abs().max() < 0.25 * once.abs().max()
    at_rest = aligned(still, portrait, portrait)
    assert torch.equal(at_rest, still)


def test_what_is_far_from_every_landmark_stays() -> None:
    portrait, target = a_mouth(1), a_mouth(8)
    flow = torch.randn(1, 2, 28, 28, generator=torch.Generator().manual_seed(0))
    led = aligned(flow, target, portrait)
    assert (led - flow)[..., :8, :].abs().max() < 1e-3


def test_lips_that_close_upon_each_other_do_not_tear_the_flow() -> None:
    """Where upper and lower landmarks fall together and are to come from different places, the flow gives way."""
    led = aligned(torch.zeros(1, 2, 28, 28), a_mouth(0), a_mouth(9))
    assert led.abs().max() < 6
