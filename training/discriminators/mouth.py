"""Is this mouth a photograph's, or painted? A judge of small patches, beside the portrait's own mouth.

Source: P. Isola, J.-Y. Zhu, T. Zhou, A. Efros, *Image-to-image translation with conditional adversarial networks*, CVPR 2017
(patches); T. Miyato et al., *Spectral normalization for generative adversarial networks*, ICLR 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm


class MouthDiscriminator(nn.Module):
    """Mouth boxes [N, 3, 40, 56] and the portraits' [N, 4, 40, 56] (RGB and lip map) → scores [N, 1, 10, 14], and each layer's
    features for the matching loss."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        self.layers = nn.ModuleList(
            spectral_norm(layer)
            for layer in (nn.Conv2d(7, c, 4, 2, 1), nn.Conv2d(c, 2 * c, 4, 2, 1), nn.Conv2d(2 * c, 4 * c, 3, 1, 1))
        )
        self.score = spectral_norm(nn.Conv2d(4 * c, 1, 3, 1, 1))

    def forward(self, mouth: Tensor, portrait: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, features = torch.cat([mouth, portrait], 1) * 2 - 1, []
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x), features
