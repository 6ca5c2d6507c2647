"""A generator → OpenVINO graphs `prepare.xml` and `step.xml`, names bound."""

import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from torch import nn

from export.flat_graph import FlatPrepare, FlatStep, example_step, step_inputs, step_outputs
from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import ModelSpec

GRAPHS = ("prepare", "step")


def write_graphs(generator: nn.Module, spec: ModelSpec, folder: Path) -> None:
    """Writes both graphs, with a free batch size and weights in float32."""
    streaming: StreamingGenerator = generator.eval()  # type: ignore[assignment]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]  # shapes are fixed on purpose
        prepare = ov.convert_model(FlatPrepare(streaming, spec).eval(), example_input=torch.rand(2, 4, 112, 112))
        step = ov.convert_model(FlatStep(streaming, spec).eval(), example_input=example_step(streaming, batch=2))
    _name(prepare, ["portrait"], list(spec.identity))
    _name(step, step_inputs(spec), step_outputs(spec))
    shapes = {**spec.identity, **spec.state}
    for port in step.inputs:
        known = shapes.get(port.any_name, {"window": [12, 28], "end": []}.get(port.any_name))
        port.get_node().set_partial_shape(ov.PartialShape([-1, *known]))  # type: ignore[misc]
        kind = np.int64 if port.any_name == "end" else np.dtype(spec.state_types.get(port.any_name, "float32"))
        port.get_node().set_element_type(ov.Type(kind))
    step.validate_nodes_and_infer_types()
    for name, graph in zip(GRAPHS, (prepare, step), strict=True):
        ov.save_model(graph, folder / f"{name}.xml", compress_to_fp16=False)


def halve(folder: Path) -> None:
    """Stores the weights of a folder's graphs in half precision; the arithmetic stays float32."""
    core = ov.Core()
    core.set_property({"ENABLE_MMAP": False})  # the files that are read are written anew
    for name in GRAPHS:
        ov.save_model(core.read_model(folder / f"{name}.xml"), folder / f"{name}.xml", compress_to_fp16=True)


def _name(model: ov.Model, inputs: list[str], outputs: list[str]) -> None:
    for port, name in zip(model.inputs, inputs, strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(model.outputs, outputs, strict=True):
        port.get_tensor().set_names({name})
