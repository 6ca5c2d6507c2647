"""Hinge losses of a generator and its discriminator, and feature matching.

Source: J. H. Lim, J. C. Ye, *Geometric GAN*, arXiv:1705.02894 (hinge); T.-C. Wang et al., *High-resolution image synthesis with
conditional GANs*, CVPR 2018, eq. (4) (matching).
"""

import torch
from torch import Tensor
from torch.nn.functional import relu


def discriminator_hinge(real: Tensor, drawn: Tensor, weight: Tensor) -> Tensor:
    """Scores of real and drawn patches, and how much each patch counts, all [N, 1, h, w]."""
    return weighted(relu(1 - real) + relu(1 + drawn), weight)


def generator_hinge(drawn: Tensor, weight: Tensor) -> Tensor:
    return weighted(-drawn, weight)


def feature_matching(drawn: list[Tensor], real: list[Tensor]) -> Tensor:
    """Mean absolute difference of each layer's features [N, C, h, w], each divided by its mean size."""
    pairs = zip(drawn, real, strict=True)
    return torch.stack([(a - b.detach()).abs().mean() / b.detach().abs().mean().clamp(min=1e-3) for a, b in pairs]).mean()


def weighted(values: Tensor, weight: Tensor) -> Tensor:
    """The mean of values, each counted `weight` times."""
    return (values * weight).sum() / weight.sum().clamp(min=1)
