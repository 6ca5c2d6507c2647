"""Audio2AU: what the mouth's muscles do, heard in the speech."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

ACTION_UNITS = ("AU10", "AU14", "AU20", "AU25", "AU26")
FEATURE = 64


class Audio2AU(nn.Module):
    """One action unit: a convolution over frequency, one over time, two LSTM layers over the window's own hops, fully
    connected layers.

    Source: papers/1, 3.1 "Audio-to-AU Module". The last of its three fully connected layers only serves pre-training and is
    not here: the 64 numbers before it are the feature. The LSTM runs over the 28 hops of one window: no state between frames.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.over_frequency = nn.Conv1d(12, channels, 1)  # all 12 coefficients of a hop at once
        self.over_time = nn.Conv1d(channels, channels, 5, padding=2)
        self.lstm = nn.LSTM(channels, hidden, num_layers=2, batch_first=True)
        self.fc1 = nn.Linear(hidden, FEATURE)
        self.fc2 = nn.Linear(FEATURE, FEATURE)

    def forward(self, window: Tensor) -> Tensor:
        """MFCC [N, 12, 28] → feature [N, 64]."""
        x = relu(self.over_time(relu(self.over_frequency(window))))
        hops, _ = self.lstm(x.transpose(1, 2))
        return relu(self.fc2(relu(self.fc1(hops[:, -1]))))


class ActionUnits(nn.Module):
    """The five speech-related units side by side: [N, 12, 28] → [N, 320]."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(Audio2AU(channels, hidden) for _ in ACTION_UNITS)

    def forward(self, window: Tensor) -> Tensor:
        return torch.cat([unit(window) for unit in self.units], 1)
