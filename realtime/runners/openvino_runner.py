"""The default on a processor: OpenVINO, one compiled graph a batch size, static shapes."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from realtime.errors import ModelError
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.ports import Port, check_step, step_inputs
from realtime.runners.processor import choose_precision, extensions
from realtime.runners.runner import Arrays, initial_state, portrait_input

log = logging.getLogger(__name__)

HEAVY = ("Convolution", "Deconvolution", "FullyConnected")
"""Layers that a precision is for: whatever else is rounded, these are what takes the time."""
GRAPHS = {"f32": "step.xml", "bf16": "step.xml", "int8": "step_int8.xml"}


class OpenVinoRunner:
    """Runs `prepare.xml` and a step of a model folder. Graphs for new batch sizes are compiled when first needed.

    precision: None to choose by the processor. State: for each batch size the request, and the identity that it holds.
    """

    def __init__(self, folder: Path, threads: int = 1, precision: str | None = None) -> None:
        self._spec = read_manifest(folder)
        self.precision = choose_precision(self._spec.precisions, extensions(), precision)
        self._core = ov.Core()
        self._threads: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        step = folder / GRAPHS[self.precision]
        prepare = self._read(folder / "prepare.xml")
        self._step_model = self._read(step)
        check_step(step, self._spec, _ports(self._step_model.inputs), _ports(self._step_model.outputs))
        prepare.reshape({"portrait": [1, 4, 112, 112]})
        self._prepare = self._core.compile_model(prepare, "CPU", {**self._threads, "INFERENCE_PRECISION_HINT": "f32"})
        self._steps: dict[int, ov.InferRequest] = {}
        self._identities: dict[int, Arrays] = {}
        self.compile(1)

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def compile(self, batch: int) -> None:
        if batch not in self._steps:
            self._steps[batch] = self._compiled(batch).create_infer_request()

    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        results = self._prepare(portrait_input(crop))
        return {name: np.array(results[name]) for name in self._spec.identity}

    def initial_state(self, batch: int) -> Arrays:
        return initial_state(self._spec, batch)

    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        batch = len(window)
        self.compile(batch)
        request = self._steps[batch]
        if self._identities.get(batch) is not identity:  # the largest inputs; a batch that goes on brings the same ones
            for name, value in identity.items():
                request.set_tensor(name, ov.Tensor(np.ascontiguousarray(value)))
            self._identities[batch] = identity
        request.infer({"window": window, "end": end, **state}, share_inputs=True)
        outputs = {name: np.array(request.get_tensor(name).data) for name in self._spec.outputs}
        after = {name: np.array(request.get_tensor(f"next_{name}").data) for name in self._spec.state}
        return outputs, after

    def executed(self, batch: int = 1) -> list[tuple[str, str, str]]:
        """What OpenVINO made of the heavy layers: type, name, and the kernel that runs, which names its precision at its end."""
        self.compile(batch)
        layers = []
        for node in self._compiled_model(batch).get_runtime_model().get_ordered_ops():
            info = node.get_rt_info()
            if info["layerType"].value in HEAVY:
                layers.append((info["layerType"].value, node.friendly_name, info["primitiveType"].value))
        return layers

    @property
    def step_graph(self) -> ov.Model:
        """As it was read: of any batch size."""
        return self._step_model

    @property
    def threads(self) -> int:
        return int(self._threads["INFERENCE_NUM_THREADS"])

    def _compiled_model(self, batch: int) -> ov.CompiledModel:
        return self._steps[batch].get_compiled_model()

    def _compiled(self, batch: int) -> ov.CompiledModel:
        model = self._step_model.clone()
        model.reshape({name: [batch, *shape] for name, (shape, _) in step_inputs(self._spec).items()})
        hint = "bf16" if self.precision == "bf16" else "f32"
        return self._core.compile_model(model, "CPU", {**self._threads, "INFERENCE_PRECISION_HINT": hint})

    def _read(self, graph: Path) -> ov.Model:
        if graph.name not in self._spec.files:
            raise ModelError(f"{graph.parent} holds no {graph.name}: a folder exported with `--to openvino` was expected")
        try:
            return self._core.read_model(graph)
        except RuntimeError as error:
            raise ModelError(f"{graph} is no graph that OpenVINO can read ({error})") from error


def _ports(ports: Iterable[Any]) -> dict[str, Port]:
    """Names of a graph's ports, with shape and type."""
    return {
        port.any_name: (
            tuple(d.get_length() if d.is_static else -1 for d in list(port.partial_shape)[1:]),
            str(np.dtype(port.element_type.to_dtype())),
        )
        for port in ports
    }
