"""Audio encoder: what a window of speech sounds like."""

from torch import Tensor, nn
from torch.nn.functional import relu

FEATURE = 512


class AudioEncoder(nn.Module):
    """Five convolutions, each with batch normalisation and ReLU, and two fully connected layers.

    Source: papers/1, 3.1 "Audio Encoder". Where it shrinks the map is a choice: time by two after the second layer, then
    both axes by two in the last two layers, 12 x 28 → 12 x 14 → 6 x 7 → 3 x 4.
    """

    def __init__(self, channels: int, dropout: float = 0.2) -> None:
        super().__init__()
        c = channels
        self.maps = nn.Sequential(
            _layer(1, c),
            _layer(c, 2 * c, stride=(1, 2)),
            _layer(2 * c, 4 * c),
            _layer(4 * c, 4 * c, stride=(2, 2)),
            _layer(4 * c, 8 * c, stride=(2, 2)),
        )
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(8 * c * 3 * 4, FEATURE)
        self.fc2 = nn.Linear(FEATURE, FEATURE)

    def forward(self, window: Tensor) -> Tensor:
        """MFCC [N, 12, 28] → feature [N, 512]."""
        x = self.maps(window[:, None]).flatten(1)
        out: Tensor = self.fc2(self.dropout(relu(self.fc1(self.dropout(x)))))
        return out


def _layer(c_in: int, c_out: int, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())
