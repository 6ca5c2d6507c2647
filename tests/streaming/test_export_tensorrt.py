"""Without a GPU: TensorRT-RTX reads the built-in model's ONNX step as it is and builds engines ahead of time for GPUs that are
not here.

It proves that every operator and shape is one that TensorRT takes; that the engine says the same as the generator is proven where
a GPU is.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from realtime.model_spec import read_manifest
from tests.streaming.exported_default import Exported

trt = pytest.importorskip("tensorrt_rtx_bindings", reason="pip install tensorrt-rtx-cu13-bindings tensorrt-rtx-cu13-libs")


@pytest.fixture(scope="module")
def folder(exported_default: Exported) -> Path:
    return exported_default("onnx")


@pytest.mark.parametrize(("gpu", "batch"), [("SM80", 1), ("SM89", 8), ("SM120", 1)])
def test_the_step_builds_for_a_gpu_that_is_not_here(folder: Path, gpu: str, batch: int) -> None:
    builder, network, errors = parse(folder / f"step_{batch}.onnx")
    assert errors == []
    spec = read_manifest(folder)
    inputs = {network.get_input(i).name: tuple(network.get_input(i).shape) for i in range(network.num_inputs)}
    outputs = {network.get_output(i).name for i in range(network.num_outputs)}
    assert inputs["window"] == (batch, 12, 28)
    assert set(spec.state) <= set(inputs)
    assert outputs == {*spec.outputs, *(f"next_{name}" for name in spec.state)}
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, gpu), 0)
    engine = builder.build_serialized_network(network, config)
    assert engine is not None
    assert engine.nbytes > 1_000_000


def test_an_operator_that_is_none_is_reported(tmp_path: Path) -> None:
    """The control: what would need a plug-in does not parse."""
    port = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"], domain="facewire")], "g", port[:1], port[1:])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("facewire", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), tmp_path / "bad.onnx")
    _, _, errors = parse(tmp_path / "bad.onnx")
    assert np.any(["NoSuchOperator" in error for error in errors])


def parse(path: Path) -> tuple[Any, Any, list[str]]:
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    network = builder.create_network()
    parser = trt.OnnxParser(network, builder.logger)
    parser.parse_from_file(str(path))
    return builder, network, [str(parser.get_error(i)) for i in range(parser.num_errors)]
