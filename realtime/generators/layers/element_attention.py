"""Multi-head self-attention over the elements of one frame's feature, Q = K = V."""

import torch.nn.functional as F
from torch import Tensor, nn

# N frames, E elements (tokens), D numbers an element, H heads


class ElementAttention(nn.Module):
    """Weighs the elements of a frame's feature [N, C] against each other; it looks at no other frame, so it has no state.

    Source: papers/1, eqs. (2)-(4), four heads. The text does not say how elements become tokens. Here the feature is cut into
    E groups of D = C / E neighbouring numbers; projections are shared by the groups. With one number a token, the heads would
    be scalars.
    """

    def __init__(self, channels: int, *, elements: int = 16, heads: int = 4) -> None:
        super().__init__()
        if channels % (elements * heads):
            raise ValueError(f"{channels} channels cannot be cut into {elements} elements of {heads} heads")
        self.elements, self.heads, self.width = elements, heads, channels // elements
        self.qkv = nn.Linear(self.width, 3 * self.width)
        self.project = nn.Linear(self.width, self.width)

    def forward(self, z_NC: Tensor) -> Tensor:
        """[N, C] → [N, C]."""
        x_NED = z_NC.reshape(-1, self.elements, self.width)
        qkv = self.qkv(x_NED).reshape(-1, self.elements, 3, self.heads, self.width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        y_NHED = F.scaled_dot_product_attention(q, k, v)
        y_NED = y_NHED.transpose(1, 2).reshape(-1, self.elements, self.width)
        out: Tensor = self.project(y_NED).reshape(-1, self.elements * self.width)
        return out
