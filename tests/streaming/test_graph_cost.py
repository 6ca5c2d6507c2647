"""A graph's arithmetic, counted: by hand for each operation, and against torch's own counter for a generator."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from openvino import opset13 as ops
from torch.utils.flop_counter import FlopCounterMode

import facewire
from realtime.runners import graph_cost
from realtime.runners.openvino_floor import floor_of
from realtime.runners.openvino_runner import OpenVinoRunner
from tests.streaming.narrow import narrow_generator


def parameter(*shape: int) -> Any:
    return ops.parameter(list(shape), np.float32)


def constant(*shape: int) -> Any:
    return ops.constant(np.ones(shape, np.float32))


def cost(result: Any, *inputs: Any) -> tuple[int, int]:
    model = ov.Model([result], list(inputs))
    return graph_cost.flops(model), graph_cost.weights(model)


def test_convolutions() -> None:
    picture = parameter(1, 3, 10, 10)
    straight = ops.convolution(picture, constant(8, 3, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1])
    assert cost(straight, picture) == (2 * 8 * 5 * 5 * 3 * 3 * 3, 8 * 3 * 3 * 3)
    grouped = ops.group_convolution(picture, constant(3, 2, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    assert cost(grouped, picture) == (2 * 6 * 10 * 10 * 1 * 3 * 3, 3 * 2 * 3 * 3)
    small = parameter(1, 4, 5, 5)
    transposed = ops.convolution_backprop_data(small, constant(4, 6, 2, 2), [2, 2])
    assert cost(transposed, small) == (2 * 4 * 5 * 5 * 6 * 2 * 2, 4 * 6 * 2 * 2)


@pytest.mark.parametrize("transposed", [False, True])
def test_products(transposed: bool) -> None:
    left = parameter(*((7, 4) if transposed else (4, 7)))
    result = ops.matmul(left, constant(7, 9), transpose_a=transposed, transpose_b=False)
    assert cost(result, left) == (2 * 4 * 7 * 9, 7 * 9)


def test_a_product_of_two_inputs_has_no_weights() -> None:
    left, right = parameter(4, 7), parameter(7, 9)
    assert cost(ops.matmul(left, right, transpose_a=False, transpose_b=False), left, right) == (2 * 4 * 7 * 9, 0)


def test_attention() -> None:
    queries, keys, values = parameter(2, 5, 8), parameter(2, 6, 8), parameter(2, 6, 3)
    result = ops.scaled_dot_product_attention(queries, keys, values)
    assert cost(result, queries, keys, values)[0] == 2 * 2 * 5 * 6 * (8 + 3)


def test_a_recurrent_layer() -> None:
    sound, hidden, cell = parameter(1, 12, 5), parameter(1, 2, 4), parameter(1, 2, 4)
    length = ops.constant(np.array([12], np.int32))
    matrices = constant(2, 16, 5), constant(2, 16, 4), constant(2, 16)
    layer = ops.lstm_sequence(sound, hidden, cell, length, *matrices, 4, "bidirectional")
    assert cost(layer.output(0), sound, hidden, cell) == (2 * 12 * 2 * 16 * (5 + 4), 2 * 16 * (5 + 4 + 1))


def test_a_generator_costs_what_torch_counts(narrow_folder: Path) -> None:
    """Its recurrent layers apart, which torch leaves out."""
    generator = narrow_generator("live")
    runner = OpenVinoRunner(narrow_folder, precision="f32")
    identity = generator.prepare(torch.zeros(1, 4, 112, 112))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        generator.step(identity, torch.zeros(1, 12, 28), torch.tensor([2**40]), generator.initial_state(1))
    assert _without_recurrence(runner) == pytest.approx(counter.get_total_flops(), rel=0.02)


def _without_recurrence(runner: OpenVinoRunner) -> int:
    """The same graph's count, its recurrent layers at nothing."""
    counts = dict(graph_cost.COUNTS)
    kept = {name: count for name, count in counts.items() if not name.endswith("Sequence")}
    graph_cost.COUNTS.clear()
    graph_cost.COUNTS.update(kept)
    try:
        return floor_of(runner).flops
    finally:
        graph_cost.COUNTS.update(counts)


def test_the_bench_says_how_far_the_step_is_from_its_floor(narrow_folder: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    assert facewire.main(["bench", "generator", "--model", str(narrow_folder), "--size", "256", "--json", str(figures)]) == 0
    floor = json.loads(figures.read_text())["floor"]
    assert floor["flops"] > 1e6
    assert [step["batch"] for step in floor["steps"]] == [1, 2, 4, 8]
    assert all(step["of_the_floor"] > 1 for step in floor["steps"])
    assert floor["steps"][3]["floor_ms"] > floor["steps"][0]["floor_ms"] > 0
