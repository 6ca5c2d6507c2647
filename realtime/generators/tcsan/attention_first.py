"""Attention over a frame's cross-modal feature, then a plain temporal network: two of table 3's comparisons."""

import torch
from torch import Tensor, nn

from realtime.generators.layers.co_attention import CoAttention
from realtime.generators.layers.element_attention import ElementAttention
from realtime.generators.streaming import Tensors
from realtime.generators.tcsan.tcsan import Tcsan

# B sessions, T frames, N frames of all sessions, C numbers of the feature


class SelfAttended(nn.Module):
    """ "Mh-att": every element of the joint feature weighs every other. [N, C] → [N, C]."""

    def __init__(self, face: int, speech: int) -> None:
        super().__init__()
        self.attention = ElementAttention(face + speech)

    def forward(self, x_NC: Tensor) -> Tensor:
        out: Tensor = x_NC + self.attention(x_NC)
        return out


class CoAttended(nn.Module):
    """ "Co-att": the face asks the speech and the speech the face; the feature's first `face` numbers are the face's."""

    def __init__(self, face: int, speech: int) -> None:
        super().__init__()
        self.widths = (face, speech)
        self.attention = CoAttention(face, speech)

    def forward(self, x_NC: Tensor) -> Tensor:
        face, speech = x_NC.split(self.widths, 1)
        return torch.cat(self.attention(face, speech), 1)


class AttentionFirst(nn.Module):
    """`attention` on each frame by itself, then `temporal`, whose state and lookahead are the whole's.

    Source: papers/1, 5.2, "we used multi-head self-attention and multi-head co-attention respectively before the TCN module".
    What attention adds to a frame outside the stream goes no further: the temporal network zeroes such frames at its own input.
    """

    def __init__(self, attention: nn.Module, temporal: Tcsan) -> None:
        super().__init__()
        self.attention, self.temporal = attention, temporal

    @property
    def lookahead(self) -> int:
        return self.temporal.lookahead

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Offline: [B, T, C] → [B, T, C_out]."""
        out: Tensor = self.temporal(self.attention(x_BTC.flatten(0, 1)).unflatten(0, x_BTC.shape[:2]))
        return out

    def initial_state(self, batch: int) -> Tensors:
        return self.temporal.initial_state(batch)

    def step(self, x_BC: Tensor, end: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        return self.temporal.step(self.attention(x_BC), end, state)
