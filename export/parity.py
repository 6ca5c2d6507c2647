"""The gate: an exported step must say, frame by frame, what the generator says offline in float64."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.material import Stream
from realtime.errors import ModelError
from realtime.runners.runner import FOREVER, Arrays, Runner

FLOAT_LIMIT = 1e-4  # of a float32 graph, in the outputs' own units: crop pixels of flow, 0..1 of colour
LEAST_STEPS = 300  # in one batch
MOST_ROWS = 8  # sessions that are streamed at once; a larger batch is filled up with rows that nobody looks at
LAG = 3  # steps by which each session of a batch begins after the one before it


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The largest difference of each output, where the very largest is, and what was streamed."""

    largest: dict[str, float]
    worst: str
    frames: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One frame that came out of the runner: which stream's, which frame's, its arrays without the batch."""

    stream: int
    frame: int
    outputs: Arrays


def compare(reference: list[Arrays], runner: Runner, streams: list[Stream], batch: int) -> Parity:
    """Streams in a batch (`play`) against their offline outputs (`offline`)."""
    largest = dict.fromkeys(reference[0], 0.0)
    worst, where, frames = -1.0, "", 0
    for drawn in play(runner, streams, batch):
        frames += 1
        for name, value in drawn.outputs.items():
            difference = _difference(value, reference[drawn.stream][name][drawn.frame])
            largest[name] = max(largest[name], difference)
            if difference > worst:
                worst = difference
                where = f"{name} of frame {drawn.frame} of {len(streams[drawn.stream])}, {streams[drawn.stream].name}, "
                where += _numbers(value, reference[drawn.stream][name][drawn.frame])
    return Parity(largest=largest, worst=f"{where}, batch {batch}", frames=frames, steps=n_steps(streams, batch, runner))


def play(runner: Runner, streams: list[Stream], batch: int) -> Iterator[Drawn]:
    """Every frame of at least 300 steps of a batch whose sessions are out of step: row r begins r · LAG steps late with stream r,
    and goes on with the next streams as each ends, so that starts and ends fall among others' middles."""
    lookahead = runner.spec.lookahead_frames
    prepared = [runner.prepare(stream.portrait.crop) for stream in streams]
    rows = [_Row(streams, prepared, runner, row) for row in range(min(batch, MOST_ROWS))]
    for step in range(n_steps(streams, batch, runner)):
        for row in rows:
            row.next_stream(step)
        filled = rows + rows[-1:] * (batch - len(rows))
        identity = {name: np.concatenate([row.identity[name] for row in filled]) for name in rows[0].identity}
        state = {name: np.concatenate([row.state[name] for row in filled]) for name in rows[0].state}
        window, end = np.stack([row.window for row in filled]), np.array([row.end for row in filled], np.int64)
        outputs, after = runner.step(identity, window, end, state)
        for index, row in enumerate(rows):
            if row.idle:
                continue
            frame = row.heard - lookahead
            row.heard += 1
            row.state = {name: value[index : index + 1] for name, value in after.items()}
            if 0 <= frame < len(row.windows):
                yield Drawn(stream=row.stream, frame=frame, outputs={name: value[index] for name, value in outputs.items()})


def n_steps(streams: list[Stream], batch: int, runner: Runner) -> int:
    """Steps until the last row's last stream has ended."""
    lookahead = runner.spec.lookahead_frames
    lengths = [sum(len(streams[i]) + lookahead for i in _order(streams, row)) + LAG * row for row in range(min(batch, MOST_ROWS))]
    return max(lengths)


class _Row:
    """One place of the batch: who speaks there, how many windows were pushed, its own state."""

    def __init__(self, streams: list[Stream], prepared: list[Arrays], runner: Runner, row: int) -> None:
        self._streams, self._prepared, self._runner = streams, prepared, runner
        self._order, self._begin = _order(streams, row), LAG * row
        self._lookahead = runner.spec.lookahead_frames
        self.idle, self.heard = True, 0
        self.stream, self.windows = self._order[0], np.zeros((0, 12, 28), np.float32)
        self.identity, self.state = prepared[self.stream], runner.initial_state(1)

    def next_stream(self, step: int) -> None:
        """The next stream, with a fresh state, where the one before has ended."""
        if self.heard < len(self.windows) + self._lookahead and not self.idle:
            return
        self.idle = step < self._begin or not self._order
        if not self.idle:
            self.stream, self.heard = self._order.pop(0), 0
            self.windows = self._streams[self.stream].windows
            self.identity, self.state = self._prepared[self.stream], self._runner.initial_state(1)

    @property
    def window(self) -> np.ndarray:
        """What is pushed next: silence before the start and behind the end."""
        inside = not self.idle and self.heard < len(self.windows)
        return self.windows[self.heard] if inside else np.zeros((12, 28), np.float32)

    @property
    def end(self) -> int:
        return FOREVER if self.idle or self.heard < len(self.windows) else len(self.windows)


def _order(streams: list[Stream], row: int) -> list[int]:
    """The streams that a row plays, from stream `row` on, until they have 300 frames together, or all were heard twice."""
    order: list[int] = []
    while len(order) < 2 * len(streams) and sum(len(streams[i]) for i in order) < LEAST_STEPS:
        order.append((row + len(order)) % len(streams))
    return [*order, 1] if row == 0 and len(streams) > 1 else order


@torch.inference_mode()
def offline(generator: nn.Module, crop: np.ndarray, windows: np.ndarray) -> Arrays:
    """The generator's own outputs of a whole stream, name → [T, ...], in float64. crop [112, 112, 4]; windows [T, 12, 28]."""
    exact = deepcopy(generator).double().eval()
    portrait = torch.from_numpy(crop[None]).permute(0, 3, 1, 2).double() / 255
    outputs = exact(exact.prepare(portrait), torch.from_numpy(windows[None]).double())  # type: ignore[operator]
    return {name: value[0].numpy() for name, value in outputs.items()}


def demand(parity: Parity, folder: Path) -> None:
    """Raises ModelError where a float32 export strays."""
    if not max(parity.largest.values()) <= FLOAT_LIMIT:
        shown = ", ".join(f"{name} {value:.2g}" for name, value in parity.largest.items())
        raise ModelError(
            f"the export differs from the generator by more than {FLOAT_LIMIT:g} ({shown}; worst: {parity.worst}, "
            f"{parity.frames} frames in {parity.steps} steps): {folder} was not written"
        )


def _numbers(found: np.ndarray, wanted: np.ndarray) -> str:
    """The two numbers that differ most, and where in the output they stand."""
    difference = np.abs(found - wanted)
    place = np.unravel_index(np.nan_to_num(difference, nan=np.inf).argmax(), difference.shape)
    shown = ", ".join(str(index) for index in place)
    return f"{found[place]:.6g} instead of {wanted[place]:.6g} at [{shown}]"


def _difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest absolute difference; what is not a number differs without bound, although no comparison says so."""
    largest = float(np.abs(found - wanted).max())
    return largest if np.isfinite(largest) else float("inf")
