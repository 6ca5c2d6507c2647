"""The action-unit loss: weighted binary cross-entropy and weighted Dice, the rarer unit counting more."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST_RATE = 0.01  # a unit that hardly occurs would else outweigh all others
SMOOTH = 1.0  # the Dice term's ε: the paper gives no value

# N frames, U action units


def occurrence_weights(rates: Sequence[float]) -> Tensor:
    """Occurrence rates of the training set (0..1) → weights [U] whose mean is 1.

    Source: papers/1, under eq. (5). Rates below LEAST_RATE count as LEAST_RATE.
    """
    rarity = 1 / torch.tensor(rates, dtype=torch.float32).clamp(min=LEAST_RATE)
    return rarity * len(rarity) / rarity.sum()


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Of logits and labels 0 or 1 [N, U], weights [U]. Source: papers/1, eq. (5)."""
    return F.binary_cross_entropy_with_logits(logits, labels, weight=weights.expand_as(labels))


def weighted_dice(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Source: papers/1, eq. (6)."""
    found = torch.sigmoid(logits)
    overlap = (2 * labels * found + SMOOTH) / (labels**2 + found**2 + SMOOTH)
    return (weights * (1 - overlap)).mean()


def action_units(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Both. Source: papers/1, eq. (7)."""
    logits = logits.float()
    return weighted_cross_entropy(logits, labels, weights) + weighted_dice(logits, labels, weights)
