"""Multi-head co-attention between two modalities of one frame: each asks the other."""

import torch.nn.functional as F
from torch import Tensor, nn

# N frames, E elements (tokens), D numbers an element, H heads

WIDTH = 32  # numbers an element: 512, 320 and their sums are multiples of it


class CrossAttention(nn.Module):
    """Elements of one modality (queries) weigh those of another (keys, values); no state, for it looks at one frame alone."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key_value = nn.Linear(WIDTH, 2 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)

    def forward(self, asks_NED: Tensor, answers_NED: Tensor) -> Tensor:
        """Queries [N, E, D], keys and values of [N, E', D] → [N, E, D]."""
        q = self.query(asks_NED).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = self.key_value(answers_NED).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        y_NHED = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.project(y_NHED.transpose(1, 2).flatten(2))
        return out


class CoAttention(nn.Module):
    """Two modalities [N, C1], [N, C2] → both, each with what the other has to say added to it.

    Source: P. Li, X. Li, *Multimodal fusion with co-attention mechanism*, FUSION 2020: queries of one modality, keys and values
    of the other, in both directions, four heads. That a feature is cut into elements of WIDTH neighbouring numbers is a choice,
    as in `element_attention.py`.
    """

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        if first % WIDTH or second % WIDTH:
            raise ValueError(f"modalities of {first} and {second} numbers: multiples of {WIDTH} were expected")
        self.of_first, self.of_second = CrossAttention(), CrossAttention()

    def forward(self, first_NC: Tensor, second_NC: Tensor) -> tuple[Tensor, Tensor]:
        a, b = first_NC.unflatten(1, (-1, WIDTH)), second_NC.unflatten(1, (-1, WIDTH))
        return (a + self.of_first(a, b)).flatten(1), (b + self.of_second(b, a)).flatten(1)
