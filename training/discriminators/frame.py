"""Is this frame a film's, or drawn? A judge of whole faces.

Source: papers/2, 3.1 "Frame Discriminator". The text gives its loss and none of its layers; these are those of A. Radford et al.,
*Unsupervised representation learning with deep convolutional generative adversarial networks*, ICLR 2016, with T. Miyato et
al., *Spectral normalization for generative adversarial networks*, ICLR 2018, in the place of batch normalisation: real and
drawn faces then never share statistics.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

SIDE = 7  # of the last map for a 112 x 112 crop


class FrameDiscriminator(nn.Module):
    """Crops [N, 3, 112, 112] in 0..1 → logits [N]: D_frame, the probability of a real frame, is their sigmoid."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        widths = (3, c, 2 * c, 4 * c, 8 * c)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(c_in, c_out, 4, stride=2, padding=1)) for c_in, c_out in pairwise(widths)
        )
        self.score = spectral_norm(nn.Linear(8 * c * SIDE**2, 1))

    def forward(self, crop: Tensor) -> Tensor:
        x = crop * 2 - 1
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        logits: Tensor = self.score(x.flatten(1))[:, 0]
        return logits
