"""The gate: an exported step must say, frame by frame, what the generator says offline."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from realtime.errors import ModelError
from realtime.runners.runner import FOREVER, Arrays, Runner

# In the outputs' own units: crop pixels of flow, 0..1 of colour.
FLOAT_LIMIT = 1e-4  # the graph in float32: is it the same network?
HALF_LIMIT = 2e-2  # the same graph with its weights stored in half precision: a fiftieth of a crop pixel


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The largest difference of each output over all frames, and the frame of the very largest."""

    largest: dict[str, float]
    worst_frame: int
    frames: int


def compare(generator: nn.Module, runner: Runner, crops: list[np.ndarray], windows: np.ndarray, lag: int = 3) -> Parity:
    """Streams windows [S, T, 12, 28] of S sessions through the runner, session s starting s · lag frames late, all in one batch,
    and compares with the offline outputs in float64. Crops: S portraits [112, 112, 4]."""
    n_sessions, n_frames = windows.shape[:2]
    reference = offline(generator, crops, windows)
    identity = [runner.prepare(crop) for crop in crops]
    joined = {name: np.concatenate([one[name] for one in identity]) for name in identity[0]}
    state, lookahead = runner.initial_state(n_sessions), runner.spec.lookahead_frames
    largest = dict.fromkeys(reference, 0.0)
    worst, worst_frame = -1.0, 0
    for t in range(n_frames + lookahead + lag * (n_sessions - 1)):
        own = t - lag * np.arange(n_sessions)
        heard = [windows[s, k] if 0 <= k < n_frames else np.zeros_like(windows[0, 0]) for s, k in enumerate(own)]
        end = np.where(own >= n_frames, n_frames, FOREVER).astype(np.int64)
        outputs, after = runner.step(joined, np.stack(heard), end, state)
        started = own >= 0
        state = {name: _where(started, value, state[name]) for name, value in after.items()}
        for s, k in enumerate(own - lookahead):
            if 0 <= k < n_frames:
                for name, value in outputs.items():
                    difference = _difference(value[s], reference[name][s, k])
                    largest[name] = max(largest[name], difference)
                    if difference > worst:
                        worst, worst_frame = difference, int(k)
    return Parity(largest=largest, worst_frame=worst_frame, frames=n_sessions * n_frames)


@torch.inference_mode()
def offline(generator: nn.Module, crops: list[np.ndarray], windows: np.ndarray) -> Arrays:
    """The generator's own outputs [S, T, ...], in float64."""
    exact = deepcopy(generator).double().eval()
    portraits = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).double() / 255
    outputs = exact(exact.prepare(portraits), torch.from_numpy(windows).double())  # type: ignore[operator]
    return {name: value.numpy() for name, value in outputs.items()}


def demand(parity: Parity, folder: Path, limit: float) -> None:
    """Raises ModelError where the export strays."""
    if max(parity.largest.values()) > limit:
        shown = ", ".join(f"{name} {value:.2g}" for name, value in parity.largest.items())
        raise ModelError(
            f"the export differs from the generator by more than {limit:g} ({shown}; worst at frame {parity.worst_frame} of "
            f"{parity.frames}): {folder} was not written"
        )


def _difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest absolute difference; what is not a number differs without bound, although no comparison says so."""
    largest = float(np.abs(found - wanted).max())
    return largest if np.isfinite(largest) else float("inf")


def _where(rows: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    return np.where(rows.reshape(-1, *[1] * (new.ndim - 1)), new, old)
