"""Losses on the flow field: it must carry each landmark of the target to the same landmark of the portrait."""

import torch
import torch.nn.functional as F
from torch import Tensor

from realtime.alignment import CROP_SIZE
from realtime.lip_map import INNER_LIP, OUTER_LIP
from training.preprocessing import CHEEKS, JAW, STILL

_WEIGHTS = torch.cat(
    [
        torch.full((len(group),), weight)
        for group, weight in ((OUTER_LIP, 1.0), (INNER_LIP, 1.0), (JAW, 0.6), (CHEEKS, 0.4), (STILL, 0.2))
    ]
)


def sample_flow(flow: Tensor, points: Tensor) -> Tensor:
    """Flow [N, 2, cells, cells] read at points [N, K, 2] (crop pixels) → [N, K, 2]."""
    grid = points / (CROP_SIZE / 2) - 1
    return F.grid_sample(flow, grid[:, :, None], padding_mode="border", align_corners=False)[..., 0].transpose(1, 2)


def landmark_flow(flow: Tensor, landmarks: Tensor, portrait_landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Position and movement error in crop pixels, of flow [B, D, 2, cells, cells] at landmarks [B, D, K, 2].

    Position: mean distance from where the flow leads to the portrait's landmark. Movement: the same of the frame-to-frame
    change, which is what lip-sync is judged by.
    """
    batch, frames = flow.shape[:2]
    moved = sample_flow(flow.flatten(0, 1), landmarks.flatten(0, 1)).unflatten(0, (batch, frames))
    error = moved - (portrait_landmarks[:, None] - landmarks)
    weights = _WEIGHTS.to(error)[:, None]
    position = F.smooth_l1_loss(error * weights, torch.zeros_like(error), beta=0.5)
    change = (error[:, 1:] - error[:, :-1]) * weights
    return position, F.smooth_l1_loss(change, torch.zeros_like(change), beta=0.5)


def roughness(flow: Tensor) -> Tensor:
    """Mean squared second difference of flow [N, 2, cells, cells]: bends cost, shifts do not."""
    down = flow[..., 2:, :] - 2 * flow[..., 1:-1, :] + flow[..., :-2, :]
    across = flow[..., 2:] - 2 * flow[..., 1:-1] + flow[..., :-2]
    return (down**2).mean() + (across**2).mean()
