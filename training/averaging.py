"""The mean of the weights over the last steps: smoother than any single step's."""

import copy

import torch
from torch import nn


class AveragedWeights:
    """Exponential moving average of a network; buffers are copied.

    Source: B. Polyak, A. Juditsky, *Acceleration of stochastic approximation by averaging*, 1992.
    """

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for mean, value in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
        for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)
