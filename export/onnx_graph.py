"""A generator → ONNX: `prepare.onnx`, and `step_B.onnx` for each batch size, all sizes sharing the weights in `step.data`.

Every shape is fixed and no operator is a plug-in's, so that ONNX Runtime and TensorRT alike can plan the whole graph ahead.
"""

import logging
import warnings
from pathlib import Path

import onnx
import torch
from onnx.external_data_helper import set_external_data
from torch import Tensor, nn

from export.flat_graph import FlatPrepare, FlatStep, example_step, step_inputs, step_outputs
from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import ModelSpec

OPSET = 20
SHARED = "step.data"
SMALL_BYTES = 1024  # tensors under this stay in the graphs
ALIGNMENT = 4096  # so that a runtime may map the file


def write_graphs(generator: nn.Module, spec: ModelSpec, folder: Path, batches: tuple[int, ...]) -> None:
    streaming: StreamingGenerator = generator.eval()  # type: ignore[assignment]
    prepare = _trace(FlatPrepare(streaming, spec), (torch.rand(1, 4, 112, 112),), ["portrait"], list(spec.identity))
    onnx.save_model(prepare, folder / "prepare.onnx")
    steps = {}
    for batch in batches:
        with torch.no_grad():
            example = example_step(streaming, batch)
        steps[batch] = _trace(FlatStep(streaming, spec), example, step_inputs(spec), step_outputs(spec))
    _share_weights(list(steps.values()), folder / SHARED)
    for batch, step in steps.items():
        (folder / f"step_{batch}.onnx").write_bytes(step.SerializeToString())


def _share_weights(graphs: list[onnx.ModelProto], file: Path) -> None:
    """Moves the tensors that all graphs have out of them, into one file; what depends on the batch size stays."""
    tensors = [{_content(tensor): tensor for tensor in graph.graph.initializer} for graph in graphs]
    common = [content for content in tensors[0] if len(content) >= SMALL_BYTES and all(content in own for own in tensors)]
    offset = 0
    with file.open("wb") as stream:
        for content in common:
            for graph in graphs:
                for tensor in graph.graph.initializer:
                    if _content(tensor) == content:
                        set_external_data(tensor, location=file.name, offset=offset, length=len(content))
                        tensor.ClearField("raw_data")
            offset += stream.write(content)
            offset += stream.write(bytes(-offset % ALIGNMENT))


def _content(tensor: onnx.TensorProto) -> bytes:
    """Its values; empty where they lie elsewhere."""
    return bytes(tensor.raw_data)


def _trace(module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here uses
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(), example, input_names=inputs, output_names=outputs, opset_version=OPSET, dynamo=True, verbose=False
        )
    assert program is not None
    return program.model_proto
