"""What the engine asks of whatever runs a generator; arrays are numpy, batch first."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.model_spec import ModelSpec

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


def load_runner(folder: Path, name: str = "openvino") -> Runner:
    """A runner by its name, on a model folder.

    Raises ModelError, ConfigError.
    """
    if name == "openvino":
        from realtime.runners.openvino_runner import OpenVinoRunner

        return OpenVinoRunner(folder)
    if name == "torch":
        from realtime.runners.torch_runner import TorchRunner

        return TorchRunner(folder)
    if name == "onnx":
        from realtime.runners.onnx_runner import OnnxRunner

        return OnnxRunner(folder)
    raise ConfigError(f"no runner {name!r}: openvino, onnx or torch was expected")
