"""The floor of a step on OpenVINO: counted from its graph, against what this processor was measured to do in its precision."""

from collections.abc import Callable
from functools import cache

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from realtime.runners.floor import Floor, fastest_s
from realtime.runners.graph_cost import flops, weights
from realtime.runners.openvino_runner import OpenVinoRunner
from realtime.runners.ports import step_inputs, step_outputs

SIDE = 1024  # of the square matrices that are multiplied
COPIED_BYTES = 2**28  # more than any cache holds
REPEATS = 30
BYTES = {"f32": 4, "bf16": 2, "int8": 1}  # of a weight
NUMBER_BYTES = {"float32": 4, "int64": 8}  # of what goes in and out


def floor_of(runner: OpenVinoRunner) -> Floor:
    """In the runner's own precision."""
    return floor_in(runner, runner.precision)


def floor_in(runner: OpenVinoRunner, precision: str) -> Floor:
    """Counts one step of one session, and measures, once a process, a large matrix product in a precision, on as many threads as
    the runner's, and a large copy."""
    ports = [*step_inputs(runner.spec).values(), *step_outputs(runner.spec).values()]
    graph = runner.step_graph.clone()
    graph.reshape({name: [1, *shape] for name, (shape, _) in step_inputs(runner.spec).items()})
    return Floor(
        flops=flops(graph),
        weight_bytes=BYTES[precision] * weights(graph),
        session_bytes=sum(int(np.prod(shape)) * NUMBER_BYTES[kind] for shape, kind in ports),
        flops_per_s=_flops_per_s(precision, runner.threads),
        bytes_per_s=_bytes_per_s(),
    )


@cache
def _flops_per_s(precision: str, threads: int) -> float:
    return 2 * SIDE**3 / fastest_s(_product(precision, threads), REPEATS)


@cache
def _bytes_per_s() -> float:
    source = np.ones(COPIED_BYTES, np.uint8)
    target = np.empty_like(source)
    return 2 * COPIED_BYTES / fastest_s(lambda: np.copyto(target, source), REPEATS)


def _product(precision: str, threads: int) -> Callable[[], None]:
    """A square matrix times constant weights, as OpenVINO runs it in a precision."""
    weight = np.random.default_rng(0).uniform(-1, 1, (SIDE, SIDE)).astype(np.float32)
    left = ops.parameter([SIDE, SIDE], np.float32)
    factors = (
        [_quantised(left, 256), _quantised(ops.constant(weight), 255)] if precision == "int8" else [left, ops.constant(weight)]
    )
    model = ov.Model([ops.matmul(*factors, transpose_a=False, transpose_b=True)], [left])
    hint = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    request = ov.Core().compile_model(model, "CPU", hint).create_infer_request()
    request.set_input_tensor(ov.Tensor(weight))

    def multiply() -> None:
        request.infer()

    return multiply


def _quantised(factor: ov.Node, levels: int) -> ov.Node:
    """What makes OpenVINO multiply in 8 bits."""
    low, high = (ops.constant(np.float32(value)) for value in (-1, 1))
    return ops.fake_quantize(factor, low, high, low, high, levels)
