"""What a graph of OpenVINO costs by its shapes: arithmetic of its heavy operations, bytes of its constants."""

import math
from collections.abc import Callable
from typing import Any

import openvino as ov


def flops(model: ov.Model) -> int:
    """Additions and multiplications of one inference, of convolutions, matrix products, attention and recurrent layers; what is
    done once an element (activations, sums, scalings) is left out. Shapes must be static."""
    return sum(2 * COUNTS[node.get_type_name()](node) for node in model.get_ordered_ops() if node.get_type_name() in COUNTS)


def weights(model: ov.Model) -> int:
    """Numbers that the heavy operations multiply by and that stand in the graph, biases included."""
    inputs = (port for node in model.get_ordered_ops() if node.get_type_name() in COUNTS for port in node.inputs())
    return sum(math.prod(_shape(port)) for port in inputs if len(_shape(port)) > 1 and _is_constant(port.get_source_output()))


def _is_constant(output: Any) -> bool:
    """A constant, or what is made of nothing else: one that is stored in another type, quantised, or reshaped."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        return True
    inputs = node.inputs()
    return bool(inputs) and all(_is_constant(port.get_source_output()) for port in inputs)


def _shape(port: Any) -> list[int]:
    return list(port.get_shape())


def _convolution(node: Any) -> int:
    """Weights [out, in, kernel...]."""
    return math.prod(_shape(node.output(0))) * math.prod(_shape(node.input(1))[1:])


def _grouped_convolution(node: Any) -> int:
    """Weights [groups, out, in, kernel...]."""
    return math.prod(_shape(node.output(0))) * math.prod(_shape(node.input(1))[2:])


def _transposed_convolution(node: Any) -> int:
    """Weights [in, out, kernel...]: each input element goes to each place of the kernel."""
    return math.prod(_shape(node.input(0))) * math.prod(_shape(node.input(1))[1:])


def _product(node: Any) -> int:
    inner = _shape(node.input(0))[-2 if node.get_attributes()["transpose_a"] else -1]
    return math.prod(_shape(node.output(0))) * int(inner)


def _attention(node: Any) -> int:
    """Queries [..., L, E], keys [..., S, E], values [..., S, V]: scores, and what they weigh."""
    queries, keys, values = (_shape(node.input(port)) for port in range(3))
    return math.prod(queries[:-1]) * keys[-2] * (queries[-1] + values[-1])


def _recurrent(node: Any) -> int:
    """Sound [batch, steps, in]; W [directions, gates, in] and R [directions, gates, hidden] at each step."""
    batch, steps, _ = _shape(node.input(0))
    matrices = [_shape(port) for port in node.inputs() if len(_shape(port)) == 3][-2:]
    return int(batch * steps * sum(math.prod(matrix) for matrix in matrices))


COUNTS: dict[str, Callable[[Any], int]] = {
    "Convolution": _convolution,
    "GroupConvolution": _grouped_convolution,
    "ConvolutionBackpropData": _transposed_convolution,
    "MatMul": _product,
    "ScaledDotProductAttention": _attention,
    "LSTMSequence": _recurrent,
    "GRUSequence": _recurrent,
}
"""Multiplications of an operation."""
