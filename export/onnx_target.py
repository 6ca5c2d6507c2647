"""`--to onnx`: one graph a batch size, every shape fixed, for ONNX Runtime and for whatever else reads ONNX."""

from pathlib import Path

from torch import nn

from export import onnx_graph
from export.proof import Proof
from realtime.model_spec import ModelSpec, write_manifest
from realtime.runners.onnx_runner import OnnxRunner


def write(generator: nn.Module, spec: ModelSpec, folder: Path, proof: Proof) -> ModelSpec:
    """Raises ModelError."""
    onnx_graph.write_graphs(generator, spec, folder, tuple(spec.batches))
    write_manifest(spec, folder)
    runner = OnnxRunner(folder)
    for batch in spec.batches:
        proof.exactly(runner, batch)
    return spec
