"""The streaming contract that every generator keeps, and the driver that proves it.

    generator.lookahead                              frames of future windows that a frame needs
    prepare(portrait_B3HW) -> identity               once a session: dict of tensors, batch first
    initial_state(batch) -> state                    flat dict of tensors, batch first, static shapes
    step(identity, window, end, state) -> (outputs, state)     one video frame in, one (`lookahead` frames older) out
    forward(identity, windows) -> outputs            offline: the reference

State is an argument, never a mode: nothing is written in place, so sessions batch by concatenation, out of step as they are.
`end` is the number of frames in the stream, FOREVER until it is known. Every layer zeroes what lies before frame 0 and from
frame `end` on, at its own input: exactly what the offline padding does.

Shapes: B sessions, T frames, M coefficients (12), H hops (28).
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

FOREVER = 2**31 - 1
Tensors = dict[str, Tensor]


class StreamingGenerator(Protocol):
    """What a runner, the exporter and the tests rely on."""

    @property
    def lookahead(self) -> int: ...

    def prepare(self, portrait: Tensor) -> Tensors: ...

    def initial_state(self, batch: int) -> Tensors: ...

    def step(self, identity: Tensors, window: Tensor, end: Tensor, state: Tensors) -> tuple[Tensors, Tensors]: ...

    def forward(self, identity: Tensors, windows: Tensor) -> Tensors: ...


def run_stream(generator: StreamingGenerator, identity: Tensors, windows: Tensor, state: Tensors | None = None) -> Tensors:
    """Streams windows [B, T, M, H] one frame at a time, flushes, and returns outputs [B, T, ...] in order."""
    batch, n_frames = windows.shape[:2]
    state = generator.initial_state(batch) if state is None else state
    state = {name: value.to(windows) if value.is_floating_point() else value for name, value in state.items()}
    emitted: list[Mapping[str, Tensor]] = []
    for t in range(n_frames + generator.lookahead):
        known = t >= n_frames
        end = torch.full((batch,), n_frames if known else FOREVER, dtype=torch.int64)
        window = torch.zeros_like(windows[:, 0]) if known else windows[:, t]
        outputs, state = generator.step(identity, window, end, state)
        if t >= generator.lookahead:
            emitted.append(outputs)
    return {name: torch.stack([frame[name] for frame in emitted], 1) for name in emitted[0]}
