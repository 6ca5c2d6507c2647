"""The action-unit classifier: which of the five units a picture of a face shows."""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from realtime.alignment import CROP_SIZE

N_UNITS = 5
LOWER_FACE = CROP_SIZE // 2  # the first row of the crop's lower half


class ActionUnitClassifier(nn.Module):
    """Four convolutions, a max-pooling after every two, and three fully connected layers; sigmoid makes its output probabilities.

    Source: papers/1, 3.1 "AU Classifier", which sees the lower face alone; the widths are a choice.
    """

    def __init__(self, channels: int = 16, hidden: int = 128) -> None:
        super().__init__()
        c = channels
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, c_out, 3, padding=1) for c_in, c_out in ((3, c), (c, c), (c, 2 * c), (2 * c, 2 * c))
        )
        self.fc1 = nn.Linear(2 * c * (LOWER_FACE // 4) * (CROP_SIZE // 4), hidden)
        self.fc2 = nn.Linear(hidden, hidden // 2)
        self.fc3 = nn.Linear(hidden // 2, N_UNITS)
        for layer in (*self.convs, self.fc1, self.fc2):  # nothing normalises between seven layers: each must keep the size
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, crop: Tensor) -> Tensor:
        """Crops [N, 3, 112, 112] RGB in 0..1 → logits [N, 5], in the order of ACTION_UNITS."""
        x = crop[..., LOWER_FACE:, :] * 2 - 1
        for number, conv in enumerate(self.convs):
            x = relu(conv(x))
            x = max_pool2d(x, 2) if number % 2 else x
        logits: Tensor = self.fc3(relu(self.fc2(relu(self.fc1(torch.flatten(x, 1))))))
        return logits
