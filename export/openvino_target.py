"""`--to openvino`, `--to openvino-int8`: graphs of any batch size, proven in each precision that this processor runs."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from export import openvino_graph
from export.proof import MIXED_BATCH, SEEN_BATCH, Proof
from realtime.errors import ModelError
from realtime.model_spec import ModelSpec, write_manifest
from realtime.runners.openvino_runner import OpenVinoRunner
from realtime.runners.processor import BF16, extensions

MOST_HEAVY_IN_F32 = 0.02  # share of the heavy layers that the bf16 hint may leave in float32


def write(generator: nn.Module, spec: ModelSpec, folder: Path, proof: Proof) -> ModelSpec:
    """Float32 first: is it the same network? Then the weights in half precision, which halves the file, in f32, bf16 and int8.

    Raises ModelError.
    """
    spec = replace(spec, batches=[])
    openvino_graph.write_graphs(generator, spec, folder)
    for batch in (1, MIXED_BATCH, 8):
        proof.exactly(_runner(spec, folder, "f32"), batch)
    openvino_graph.halve(folder)
    proof.visibly(_runner(spec, folder, "f32"), "f32", SEEN_BATCH)
    if extensions() & BF16:
        spec = replace(spec, precisions=[*spec.precisions, "bf16"])
        rounded = _runner(spec, folder, "bf16")
        demand_bf16(rounded)
        proof.visibly(rounded, "bf16", SEEN_BATCH)
    if spec.target == "openvino-int8":
        from export.openvino_int8 import write_step  # NNCF is an extra's

        write_step(spec, folder, proof.calibration())
        spec = replace(spec, precisions=[*spec.precisions, "int8"])
        rounded = _runner(spec, folder, "int8")
        demand_int8(rounded)
        proof.visibly(rounded, "int8", SEEN_BATCH)
    return spec


def demand_bf16(runner: OpenVinoRunner) -> None:
    """The hint is a hint: OpenVINO leaves a graph that ends in a fully connected layer and a transposed convolution in float32
    without a word. So the executed graph is asked.

    Raises ModelError.
    """
    for batch in (1, 8):
        layers = runner.executed(batch)
        left = [name for _, name, kernel in layers if not kernel.endswith("bf16")]
        if not layers or len(left) > MOST_HEAVY_IN_F32 * len(layers):
            raise ModelError(
                f"OpenVINO left {len(left)} of {len(layers)} layers in float32 although bf16 was asked for, at batch {batch} "
                f"({', '.join(left[:3])}, …): the export would be slower than it says"
            )


def demand_int8(runner: OpenVinoRunner) -> None:
    """Quantised layers may be run in float32 all the same, by a processor or a graph that does not fit: the executed graph is
    asked.

    Raises ModelError where no layer multiplies in 8 bits.
    """
    kernels = [kernel for _, _, kernel in runner.executed()]
    if not any(kernel.endswith(("i8", "u8")) for kernel in map(str.lower, kernels)):
        raise ModelError(
            f"OpenVINO runs none of {len(kernels)} layers in 8 bits ({', '.join(kernels[:3])}, …): the 8-bit step would be no "
            "faster; export with `--to openvino`"
        )


def _runner(spec: ModelSpec, folder: Path, precision: str) -> OpenVinoRunner:
    write_manifest(spec, folder)
    return OpenVinoRunner(folder, precision=precision)
