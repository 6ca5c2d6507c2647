"""A gated recurrent unit over a stream's frames: all that it knows of the past is one vector."""

import torch
from torch import Tensor, nn

from realtime.generators.streaming import Tensors

# B sessions, T frames, C channels


class RecurrentFusion(nn.Module):
    """One GRU layer; a recurrent network is the case lookahead = 0.

    Source: papers/2, 3.1 "Recurrent Neural Network module", and papers/1, table 3, first row. Neither gives its width.

    State:
        position  [B] int64   frames pushed so far
        hidden    [B, C]      what is kept of the frames before; zero at frame 0, and held outside 0..end
    """

    lookahead = 0

    def __init__(self, c_in: int, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(c_in, channels, batch_first=True)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Offline: [B, T, C_in] → [B, T, C]."""
        y_BTC, _ = self.gru(x_BTC)
        out: Tensor = y_BTC
        return out

    def initial_state(self, batch: int) -> Tensors:
        return {
            "position": torch.zeros(batch, dtype=torch.int64),
            "hidden": torch.zeros(batch, self.gru.hidden_size),
        }

    def step(self, x_BC: Tensor, end: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """One frame in, the same frame out. A frame outside 0..end leaves the hidden vector as it is: zeros at the input would
        not, for the unit has biases."""
        frame, hidden = state["position"], state["hidden"]
        y_BTC, _ = self.gru(x_BC[:, None], hidden[None])
        inside = ((frame >= 0) & (frame < end))[:, None]
        hidden = torch.where(inside, y_BTC[:, 0], hidden)
        return hidden, {"position": frame + 1, "hidden": hidden}
