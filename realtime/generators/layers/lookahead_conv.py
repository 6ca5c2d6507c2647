"""Dilated temporal convolution whose future context is a number."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# B sessions, C channels, T frames


class LookaheadConv(nn.Module):
    """Kernel 3, dilation d, future context r ≤ d frames; what r takes from the future, the past gets back.

    r = d is the published non-causal convolution; r < d shifts its three taps into the past, r = 0 is causal.
    Source: papers/1, eq. (1), with the taps at t + r - 2d, t + r - d, t + r.

    State: history [B, 2d, C_in], the inputs of the last 2d frames, oldest first.
    """

    def __init__(self, c_in: int, c_out: int, *, dilation: int, lookahead: int) -> None:
        super().__init__()
        if not 0 <= lookahead <= dilation:
            raise ValueError(f"lookahead {lookahead} of a layer with dilation {dilation}: 0..{dilation} was expected")
        self.dilation, self.lookahead, self.c_in = dilation, lookahead, c_in
        self.conv = nn.Conv1d(c_in, c_out, 3, dilation=dilation)

    def forward(self, x_BCT: Tensor) -> Tensor:
        """Offline: [B, C_in, T] → [B, C_out, T]."""
        y_BCT: Tensor = self.conv(F.pad(x_BCT, (2 * self.dilation - self.lookahead, self.lookahead)))
        return y_BCT

    def initial_history(self, batch: int) -> Tensor:
        return torch.zeros(batch, 2 * self.dilation, self.c_in)

    def step(self, x_BC: Tensor, history: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One frame in; out: y [B, C_out] and the input x [B, C_in] of the frame that y belongs to, both `lookahead` frames
        old, and the history."""
        d = self.dilation
        seen_BTC = torch.cat([history, x_BC[:, None]], 1)
        taps = torch.cat([seen_BTC[:, 0], seen_BTC[:, d], seen_BTC[:, 2 * d]], 1)
        weight = self.conv.weight.permute(0, 2, 1).reshape(self.conv.out_channels, -1)
        y_BC = F.linear(taps, weight, self.conv.bias)
        return y_BC, seen_BTC[:, 2 * d - self.lookahead], seen_BTC[:, 1:]
