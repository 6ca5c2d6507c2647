"""A generator → OpenVINO graphs `prepare.xml` and `step.xml`, names bound."""

import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from torch import Tensor, nn

from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import ModelSpec


class _Prepare(nn.Module):
    def __init__(self, generator: StreamingGenerator, names: list[str]) -> None:
        super().__init__()
        self.generator, self.names = generator, names

    def forward(self, portrait: Tensor) -> tuple[Tensor, ...]:
        identity = self.generator.prepare(portrait)
        return tuple(identity[name] for name in self.names)


class _Step(nn.Module):
    """step() with its dictionaries laid out flat, in the specification's order."""

    def __init__(self, generator: StreamingGenerator, spec: ModelSpec) -> None:
        super().__init__()
        self.generator, self.spec = generator, spec

    def forward(self, window: Tensor, end: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        n = len(self.spec.identity)
        identity = dict(zip(self.spec.identity, rest[:n], strict=True))
        state = dict(zip(self.spec.state, rest[n:], strict=True))
        outputs, after = self.generator.step(identity, window, end, state)
        return (*(outputs[name] for name in self.spec.outputs), *(after[name] for name in self.spec.state))


def write_graphs(generator: nn.Module, spec: ModelSpec, folder: Path, *, half: bool) -> None:
    """Writes both graphs with a free batch size; `half` stores their weights in half precision, the arithmetic stays float32."""
    streaming: StreamingGenerator = generator.eval()  # type: ignore[assignment]
    batch = 2
    portrait = torch.rand(batch, 4, 112, 112)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]  # shapes are fixed on purpose
        prepare = ov.convert_model(_Prepare(streaming, list(spec.identity)), example_input=portrait)
        identity = streaming.prepare(portrait)
        state = streaming.initial_state(batch)
        window, end = torch.rand(batch, 12, 28), torch.full((batch,), 100, dtype=torch.int64)
        step = ov.convert_model(_Step(streaming, spec), example_input=(window, end, *identity.values(), *state.values()))
    _name(prepare, ["portrait"], list(spec.identity))
    inputs = ["window", "end", *spec.identity, *spec.state]
    _name(step, inputs, [*spec.outputs, *(f"next_{name}" for name in spec.state)])
    shapes = {**spec.identity, **spec.state}
    for port in step.inputs:
        known = shapes.get(port.any_name, {"window": [12, 28], "end": []}.get(port.any_name))
        port.get_node().set_partial_shape(ov.PartialShape([-1, *known]))  # type: ignore[misc]
        kind = np.int64 if port.any_name == "end" else np.dtype(spec.state_types.get(port.any_name, "float32"))
        port.get_node().set_element_type(ov.Type(kind))
    step.validate_nodes_and_infer_types()
    ov.save_model(prepare, folder / "prepare.xml", compress_to_fp16=half)
    ov.save_model(step, folder / "step.xml", compress_to_fp16=half)


def _name(model: ov.Model, inputs: list[str], outputs: list[str]) -> None:
    for port, name in zip(model.inputs, inputs, strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(model.outputs, outputs, strict=True):
        port.get_tensor().set_names({name})
