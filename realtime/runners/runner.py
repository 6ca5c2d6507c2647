"""What the engine asks of whatever runs a generator; arrays are numpy, batch first."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.model_spec import ModelSpec, read_manifest

Array = NDArray[Any]
Arrays = dict[str, Array]

FOREVER = 2**31 - 1  # `end` of a stream whose end is not known yet


class Runner(Protocol):
    """Runs one generator. Not thread-safe: the engine's worker owns it."""

    @property
    def spec(self) -> ModelSpec: ...

    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        """A portrait's crop [112, 112, 4] → identity arrays, batch 1."""
        ...

    def compile(self, batch: int) -> None:
        """Makes ready for a batch size, so that the first frame of that size does not wait for it."""
        ...

    def initial_state(self, batch: int) -> Arrays:
        """The state before the first frame."""
        ...

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        """One frame: windows [B, 12, 28], stream ends [B] → the head's outputs and the next state."""
        ...


def initial_state(spec: ModelSpec, batch: int) -> Arrays:
    """Zeros in every state array of the specification."""
    return {name: np.zeros((batch, *shape), spec.state_types[name]) for name, shape in spec.state.items()}


def portrait_input(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A portrait's crop [112, 112, 4] → [1, 4, 112, 112] in 0..1."""
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)


Step = Callable[[Arrays, NDArray[np.float32], NDArray[np.int64], Arrays], tuple[Arrays, Arrays]]
"""A runner's `step`."""


def fitting(sizes: Sequence[int], batch: int) -> int:
    """The smallest of the sizes, in order, that holds a batch; the largest where none does.

    >>> [fitting([1, 4, 8], batch) for batch in (1, 3, 9)]
    [1, 4, 8]
    """
    return next((size for size in sizes if size >= batch), sizes[-1])


def in_parts(
    step: Step, most: int, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays
) -> tuple[Arrays, Arrays]:
    """A step of any number of sessions on a runner whose graphs hold `most`."""
    if len(window) <= most:
        return step(identity, window, end, state)
    found = [
        step(_rows(identity, rows), window[rows], end[rows], _rows(state, rows))
        for rows in (slice(start, start + most) for start in range(0, len(window), most))
    ]
    outputs, after = ([part[i] for part in found] for i in (0, 1))
    return _joined(outputs), _joined(after)


def _rows(arrays: Arrays, rows: slice) -> Arrays:
    return {name: value[rows] for name, value in arrays.items()}


def _joined(parts: list[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


RUNNERS = {
    "openvino": "openvino_runner.OpenVinoRunner",
    "onnx": "onnx_runner.OnnxRunner",
    "torch": "torch_runner.TorchRunner",
    "cuda": "device_runner.DeviceRunner",
    "aotinductor": "package_runner.AotInductorRunner",
    "tensorrt": "package_runner.open_tensorrt",
}
FOR_TARGET = {**RUNNERS, "openvino-int8": RUNNERS["openvino"], "torch": "device_runner.open_torch"}
"""What runs a folder where nobody names a runner."""


def load_runner(folder: Path, name: str | None = None) -> Runner:
    """A runner by its name, or the one that a model folder was exported for.

    Raises ModelError, ConfigError.
    """
    known = FOR_TARGET if name is None else RUNNERS
    name = name or read_manifest(folder).target
    if name not in known:
        raise ConfigError(f"no runner {name!r}: one of {', '.join(known)} was expected")
    module, _, kind = known[name].partition(".")
    runner: Runner = getattr(importlib.import_module(f"realtime.runners.{module}"), kind)(folder)
    return runner
