"""A flow that leads to the very lips of the target frame, out of one that a voice could only come near to."""

import torch
from torch import Tensor

from realtime.alignment import CROP_SIZE
from training.losses.motion import sample_flow

NEAR = 5.0  # crop pixels, the spread of what goes along with a landmark
GIVES_WAY = 0.05  # to its neighbours, where they disagree: lips that touch had been apart


def aligned(flow: Tensor, landmarks: Tensor, portrait_landmarks: Tensor) -> Tensor:
    """Flow [N, 2, cells, cells], less its error at each landmark [N, K, 2] (crop pixels), spread around it → the same shape.

    Radial basis functions (Gaussian) with a ridge; the error is the distance from where the flow leads to the portrait's landmark
    [N, K, 2].
    """
    error = portrait_landmarks - landmarks - sample_flow(flow, landmarks)
    cells = flow.shape[-1]
    centres = (torch.arange(cells) + 0.5) * (CROP_SIZE / cells) - 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    grid = torch.stack([x, y], -1).reshape(1, -1, 2).expand(len(flow), -1, -1)
    between = _near(landmarks, landmarks) + GIVES_WAY * torch.eye(landmarks.shape[1])
    spread = _near(grid, landmarks) @ torch.linalg.solve(between, error)
    led: Tensor = flow + spread.transpose(1, 2).unflatten(2, (cells, cells))
    return led


def _near(a: Tensor, b: Tensor) -> Tensor:
    """[N, A, 2], [N, B, 2] → [N, A, B]: 1 at no distance, 0 far away."""
    return torch.exp(-(torch.cdist(a, b) ** 2) / (2 * NEAR**2))
