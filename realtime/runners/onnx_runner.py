"""The small fallback on a processor: ONNX Runtime, one graph a batch size. Float32 alone, and slower than OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError, ModelError
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.ports import check_step
from realtime.runners.runner import Arrays, fitting, in_parts, initial_state, portrait_input

STEP = "step_"


class OnnxRunner:
    """Runs `prepare.onnx` and `step_B.onnx` of a model folder; a batch between two sizes is filled up to the larger one."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError('the runner onnx needs ONNX Runtime: pip install "facewire[onnx]"') from error
        self._spec = read_manifest(folder)
        self._sizes = sorted(
            int(Path(name).stem[len(STEP) :]) for name in self._spec.files if name.startswith(STEP) and name.endswith(".onnx")
        )
        if not self._sizes or "prepare.onnx" not in self._spec.files:
            raise ModelError(f"{folder} holds no ONNX graphs: a folder exported with `--to onnx` was expected")
        self._folder, self._runtime = folder, onnxruntime
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._prepare = self._open("prepare.onnx")
        self._steps: dict[int, Any] = {}
        self.compile(1)

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def compile(self, batch: int) -> None:
        size = fitting(self._sizes, batch)
        if size not in self._steps:
            name = f"{STEP}{size}.onnx"
            step = self._open(name)
            check_step(self._folder / name, self._spec, _ports(step.get_inputs()), _ports(step.get_outputs()))
            self._steps[size] = step

    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        results = self._prepare.run(list(self._spec.identity), {"portrait": portrait_input(crop)})
        return dict(zip(self._spec.identity, results, strict=True))

    def initial_state(self, batch: int) -> Arrays:
        return initial_state(self._spec, batch)

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        return in_parts(self._run, self._sizes[-1], identity, window, end, state)

    def _run(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        inputs: Arrays = {"window": window, "end": end, **identity, **state}
        count = len(window)
        size = fitting(self._sizes, count)
        self.compile(count)
        session = self._steps[size]
        names = {port.name for port in session.get_inputs()}
        filled = {name: _filled(value, size) for name, value in inputs.items() if name in names}
        wanted = [*self._spec.outputs, *(f"next_{name}" for name in self._spec.state)]
        found = {name: value[:count] for name, value in zip(wanted, session.run(wanted, filled), strict=True)}
        return {name: found[name] for name in self._spec.outputs}, {name: found[f"next_{name}"] for name in self._spec.state}

    def _open(self, name: str) -> Any:
        try:
            return self._runtime.InferenceSession(self._folder / name, self._options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no error class in common
            raise ModelError(f"{self._folder / name} is no graph that ONNX Runtime can read ({error})") from error


def _ports(ports: list[Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Names of a session's ports, with shape and type."""
    types = {"tensor(float)": "float32", "tensor(int64)": "int64"}
    return {port.name: (tuple(port.shape[1:]), types.get(port.type, port.type)) for port in ports}


def _filled(value: NDArray[Any], size: int) -> NDArray[Any]:
    """Rows repeated up to `size`."""
    return np.ascontiguousarray(value if len(value) == size else value[np.arange(size) % len(value)])
