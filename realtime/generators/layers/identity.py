"""Identity encoder: who the portrait shows."""

from torch import Tensor, nn
from torch.nn.functional import relu

FEATURE = 512
CHANNELS = 4  # RGB and the lip map
SIDES = (56, 28, 14, 7)  # of the four layers' maps for a 112 x 112 crop


class IdentityEncoder(nn.Module):
    """Four stride-2 convolutions with ReLU and one fully connected layer; the four maps are the head's U-Net skips.

    Source: papers/1, 3.1 "Identity Encoder". Kernel 4; widths c, 2c, 4c, 8c are a choice.
    The fourth input channel, the lip map, is ours: with it few training faces are enough to find the mouth of any other.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widths = (channels, 2 * channels, 4 * channels, 8 * channels)
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, c_out, 4, stride=2, padding=1)
            for c_in, c_out in zip((CHANNELS, *self.widths[:-1]), self.widths, strict=True)
        )
        self.fc = nn.Linear(self.widths[-1] * SIDES[-1] ** 2, FEATURE)

    def forward(self, portrait: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Portrait [B, 4, 112, 112] in 0..1 → feature [B, 512] and maps of side 56, 28, 14, 7."""
        x, maps = portrait * 2 - 1, []
        for conv in self.convs:
            x = relu(conv(x))
            maps.append(x)
        return self.fc(x.flatten(1)), maps
