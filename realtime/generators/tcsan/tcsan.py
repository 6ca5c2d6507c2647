"""The temporal convolutional self-attention network: fuses identity, audio and action units over time."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from realtime.generators.layers.element_attention import ElementAttention
from realtime.generators.layers.lookahead_conv import LookaheadConv
from realtime.generators.streaming import Tensors

# B sessions, C channels, T frames


def share_lookahead(dilations: list[int], total: int | None) -> list[int]:
    """Future context of each layer: the first layers get theirs first, until `total` frames are spent; None gives each its
    dilation.

    >>> share_lookahead([1, 2, 4, 8], 4)
    [1, 2, 1, 0]
    """
    shares = []
    for dilation in dilations:
        shares.append(dilation if total is None else min(dilation, total))
        total = None if total is None else total - shares[-1]
    return shares


class ResidualAttention(nn.Module):
    """One block: dilated convolution, ReLU, self-attention over the frame's elements, residual, ReLU.

    Source: papers/1, figure 5. A 1x1 convolution fits the residual where the widths differ. Without attention it is a block of
    the plain temporal network (TCN) that table 3 compares with.
    """

    def __init__(self, c_in: int, c_out: int, *, dilation: int, lookahead: int, attention: bool) -> None:
        super().__init__()
        self.conv = LookaheadConv(c_in, c_out, dilation=dilation, lookahead=lookahead)
        self.attention = ElementAttention(c_out) if attention else None
        self.fit = nn.Linear(c_in, c_out) if c_in != c_out else nn.Identity()

    def forward(self, x_BCT: Tensor) -> Tensor:
        """Offline: [B, C_in, T] → [B, C_out, T]."""
        batch, _, frames = x_BCT.shape
        y = self.conv(x_BCT).transpose(1, 2).flatten(0, 1)
        residual = x_BCT.transpose(1, 2).flatten(0, 1)
        out: Tensor = self._join(y, residual).unflatten(0, (batch, frames)).transpose(1, 2)
        return out

    def step(self, x_BC: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        y_BC, residual, history = self.conv.step(x_BC, history)
        return self._join(y_BC, residual), history

    def _join(self, y_NC: Tensor, residual: Tensor) -> Tensor:
        z_NC = relu(y_NC)
        weighed = z_NC + self.attention(z_NC) if self.attention is not None else z_NC
        return relu(weighed + self.fit(residual))


class Tcsan(nn.Module):
    """Residual attention blocks of dilation 1, 2, 4, ...; without attention, the TCN.

    State:
        position          [B] int64          frames pushed so far
        block{i}_history  [B, 2·2^i, C_in]   the block's last inputs, oldest first
    """

    def __init__(self, c_in: int, channels: int, *, n_blocks: int, lookahead: int | None, attention: bool = True) -> None:
        super().__init__()
        dilations = [2**i for i in range(n_blocks)]
        shares = share_lookahead(dilations, lookahead)
        self.lookahead = sum(shares)
        self.blocks = nn.ModuleList(
            ResidualAttention(c_in if i == 0 else channels, channels, dilation=dilation, lookahead=share, attention=attention)
            for i, (dilation, share) in enumerate(zip(dilations, shares, strict=True))
        )

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Offline: [B, T, C_in] → [B, T, C]."""
        x_BCT = x_BTC.transpose(1, 2)
        for block in self.blocks:
            x_BCT = block(x_BCT)
        return x_BCT.transpose(1, 2)

    def initial_state(self, batch: int) -> Tensors:
        state: Tensors = {"position": torch.zeros(batch, dtype=torch.int64)}
        for i, block in enumerate(self.blocks):
            state[f"block{i}_history"] = block.conv.initial_history(batch)  # type: ignore[union-attr,operator]
        return state

    def step(self, x_BC: Tensor, end: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """One frame in, the frame `lookahead` before it out; frames outside 0..end count as zeros at every block's input."""
        frame = state["position"]
        after: Tensors = {"position": frame + 1}
        for i, block in enumerate(self.blocks):
            inside = (frame >= 0) & (frame < end)
            x_BC = torch.where(inside[:, None], x_BC, torch.zeros_like(x_BC))
            x_BC, after[f"block{i}_history"] = block.step(x_BC, state[f"block{i}_history"])  # type: ignore[operator]
            frame = frame - block.conv.lookahead  # type: ignore[union-attr,operator]
        return x_BC, after
