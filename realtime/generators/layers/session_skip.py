"""U-Net skips that cost nothing a frame.

A skip from the identity encoder is constant in a session, and a convolution over a concatenation is a sum:
conv(cat[x, s]) = conv_x(x) + (conv_s(s) + b). The bracket is computed once a session.
"""

from torch import Tensor, nn


class SkipConv(nn.Module):
    """A stride-1 layer over [x, skip]. A stride-1 transposed convolution is a convolution with flipped taps: written as one,
    it stays in bf16 on OpenVINO, where the transposed form does not."""

    def __init__(self, c_in: int, c_skip: int, c_out: int) -> None:
        super().__init__()
        self.of_x = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        self.of_skip = nn.Conv2d(c_skip, c_out, 3, padding=1)

    def session(self, skip: Tensor) -> Tensor:
        """The skip's constant share of the output, bias included."""
        out: Tensor = self.of_skip(skip)
        return out

    def forward(self, x: Tensor, constant: Tensor) -> Tensor:
        return add_session(self.of_x(x), constant)


class SkipUp(nn.Module):
    """A transposed convolution, kernel 4, stride 2, over [x, skip] of one side; the output has twice that side."""

    def __init__(self, c_in: int, c_skip: int, c_out: int) -> None:
        super().__init__()
        self.of_x = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1, bias=False)
        self.of_skip = nn.ConvTranspose2d(c_skip, c_out, 4, stride=2, padding=1)

    def session(self, skip: Tensor) -> Tensor:
        """The skip's constant share of the output, bias included."""
        out: Tensor = self.of_skip(skip)
        return out

    def forward(self, x: Tensor, constant: Tensor) -> Tensor:
        return add_session(self.of_x(x), constant)


def add_session(x: Tensor, constant: Tensor) -> Tensor:
    """x [B·T, ...] + constant [B, ...], each session's constant on all of its frames."""
    if x.shape[0] == constant.shape[0]:
        return x + constant
    out: Tensor = (x.unflatten(0, (constant.shape[0], -1)) + constant[:, None]).flatten(0, 1)
    return out


def each_frames(constant: Tensor, n_frames: int) -> Tensor:
    """Constant [B, C, h, w] → [B·T, C, h, w], T frames in a row with each session's."""
    if constant.shape[0] == n_frames:
        return constant
    return constant[:, None].expand(-1, n_frames // constant.shape[0], -1, -1, -1).flatten(0, 1)
