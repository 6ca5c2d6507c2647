"""The default on a processor: OpenVINO, one compiled graph a batch size, static shapes."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from realtime.errors import ModelError
from realtime.model_spec import N_MFCC, WINDOW_HOPS, ModelSpec, read_manifest
from realtime.runners.runner import Arrays, initial_state, portrait_input


class OpenVinoRunner:
    """Runs `prepare.xml` and `step.xml` of a model folder. Graphs for new batch sizes are compiled when first needed."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._spec = read_manifest(folder)
        self._core = ov.Core()
        self._options: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            prepare = self._core.read_model(folder / "prepare.xml")
            self._step_model = self._core.read_model(folder / "step.xml")
        except RuntimeError as error:
            raise ModelError(f"{folder} holds no graphs that OpenVINO can read ({error})") from error
        prepare.reshape({"portrait": [1, 4, 112, 112]})
        self._prepare = self._core.compile_model(prepare, "CPU", self._options)
        self._steps: dict[int, ov.InferRequest] = {}
        self.compile(1)

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def compile(self, batch: int) -> None:
        if batch not in self._steps:
            spec = self._spec
            shapes = {"window": [batch, N_MFCC, WINDOW_HOPS], "end": [batch]}
            shapes |= {name: [batch, *shape] for name, shape in {**spec.identity, **spec.state}.items()}
            model = self._step_model.clone()
            model.reshape(shapes)
            self._steps[batch] = self._core.compile_model(model, "CPU", self._options).create_infer_request()

    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        results = self._prepare(portrait_input(crop))
        return {name: np.array(results[name]) for name in self._spec.identity}

    def initial_state(self, batch: int) -> Arrays:
        return initial_state(self._spec, batch)

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        self.compile(len(window))
        request = self._steps[len(window)]
        request.infer({"window": window, "end": end, **identity, **state}, share_inputs=True)
        outputs = {name: np.array(request.get_tensor(name).data) for name in self._spec.outputs}
        after = {name: np.array(request.get_tensor(f"next_{name}").data) for name in self._spec.state}
        return outputs, after
