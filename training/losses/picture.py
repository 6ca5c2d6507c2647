"""Losses on the drawn crop."""

import torch
from torch import Tensor

from realtime.alignment import CROP_SIZE, MOUTH_BOX


def reconstruction(crop: Tensor, target: Tensor, mouth_weight: float = 3.0) -> Tensor:
    """Mean absolute difference of crops [N, 3, H, W]; the mouth box counts 1 + mouth_weight times.

    Source: papers/1, eq. (9); the weight is ours: the mouth is a sixth of the crop and all of the speech.
    """
    x0, y0, x1, y1 = MOUTH_BOX
    difference = (crop - target).abs()
    return difference.mean() + mouth_weight * difference[..., y0:y1, x0:x1].mean()


def identity(crop: Tensor, portrait: Tensor) -> Tensor:
    """Mean absolute difference of the upper halves of crop and portrait [N, 3, H, W].

    Source: papers/1, eq. (10).
    """
    half = CROP_SIZE // 2
    return (crop[..., :half, :] - portrait[..., :half, :]).abs().mean()


def of_mouth(crops: Tensor) -> Tensor:
    """The mouth box of crops [N, C, 112, 112]."""
    x0, y0, x1, y1 = MOUTH_BOX
    return crops[..., y0:y1, x0:x1]


def painted(mouth: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """How far the painted colours [N, 3, h, w] are from the target where there is to be paint (where [N, h, w])."""
    weight = where[:, None]
    return ((mouth - target).abs() * weight).sum() / (weight.sum() * 3).clamp(min=1)


def opening_mask(mask: Tensor, opening: Tensor, cover: Tensor) -> Tensor:
    """Binary cross-entropy of the mask [N, h, w] against the target's inner mouth, all 0..1. Where a part of the portrait's own
    mouth is to be covered there may be paint or none: the picture says which is better."""
    mask = mask.clamp(1e-4, 1 - 1e-4)
    told = 1 - (cover - opening).clamp(min=0)
    return -(told * (opening * torch.log(mask) + (1 - opening) * torch.log(1 - mask))).mean()


def undecided(shares: Tensor, where: Tensor) -> Tensor:
    """How mixed paint is where it is wanted (where [N, h, w]): the Gini impurity of the shares [N, S, h, w] that come of each
    source, 0 where one is all."""
    return ((1 - (shares**2).sum(1)) * where).sum() / where.sum().clamp(min=1)


def spared(mask: Tensor, opening: Tensor, cover: Tensor) -> Tensor:
    """How much of the moved portrait's lips is painted over by masks [N, h, w], where it may be (`cover`) and they might do."""
    free = (cover - opening).clamp(min=0)
    return (mask * free).sum() / free.sum().clamp(min=1)
