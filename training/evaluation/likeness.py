"""Whether it is still the same face: a substitute, and named as one.

Identity distances in print (CSIM) come from a network for face recognition; no package has the weights of one that may be used
here. This is the cosine distance between VGG-16's last feature maps (ImageNet; relu5_3) of the *upper face*: eyes, brows,
forehead and nose bridge, where speech changes little. It knows light, glasses and hair as well as faces. On ten GRID speakers the
area under the curve that tells two clips of one speaker from clips of two speakers is 0.97 (the layer was chosen on them); what
the distance is between the clips at hand stands beside every figure.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, normalize, relu

from training.losses.perceptual import MEAN, STD, read_conv, read_weights, weights_file

UPPER_FACE = (slice(8, 52), slice(16, 96))  # rows, columns of a crop
BLOCKS = (2, 2, 3, 3, 3)  # convolutions between poolings
EVERY = 5  # frames


class UpperFace(nn.Module):
    """Crops [T, 112, 112, 3] → features [T', D] of length 1, one for each fifth crop.

    Raises ConfigError where the package with the weights is not installed.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        weights = read_weights(weights_file())["VGG16_0"]
        self.convs = nn.ModuleList(read_conv(weights[f"Conv_{i}"], padding=1) for i in range(sum(BLOCKS)))
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])

    def forward(self, crops: NDArray[np.uint8]) -> Tensor:
        rows, columns = UPPER_FACE
        upper = np.ascontiguousarray(crops[::EVERY, rows, columns].transpose(0, 3, 1, 2))
        x = (torch.from_numpy(upper).float() / 255 - self.mean) / self.std
        convs = iter(self.convs)
        for number, count in enumerate(BLOCKS):
            x = max_pool2d(x, 2) if number else x
            for _ in range(count):
                x = relu(next(convs)(x))
        return normalize(normalize(x, dim=1).flatten(1), dim=1)


def distance(features: Tensor, real: Tensor) -> float:
    """Mean cosine distance [0, 1] of features [T, D] from the mean of the real clip's [T', D]."""
    return float(1 - (features @ normalize(real.mean(0), dim=0)).mean())


def scale(real: dict[str, Tensor]) -> dict[str, float]:
    """What the distance is worth on these clips (key `SPEAKER/CLIP` → features): its mean between frames of a clip and their own
    mean, between clips of one speaker, and between speakers; a kind of which there is no pair is left out."""
    kinds: dict[str, list[float]] = {"same clip": [], "same speaker": [], "another speaker": []}
    for key, features in real.items():
        for other, others in real.items():
            alike = key.split("/")[0] == other.split("/")[0]
            kind = "same clip" if key == other else "same speaker" if alike else "another speaker"
            kinds[kind].append(distance(features, others))
    return {kind: float(np.mean(found)) for kind, found in kinds.items() if found}
