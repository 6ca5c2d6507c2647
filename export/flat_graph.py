"""A generator's two functions with their dictionaries laid out flat: what every graph format is traced from."""

import torch
from torch import Tensor, nn

from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import N_MFCC, WINDOW_HOPS, ModelSpec


class FlatPrepare(nn.Module):
    """Portrait [B, 4, 112, 112] → the identity tensors, in the specification's order."""

    def __init__(self, generator: StreamingGenerator, spec: ModelSpec) -> None:
        super().__init__()
        self.generator, self.names = generator, list(spec.identity)

    def forward(self, portrait: Tensor) -> tuple[Tensor, ...]:
        identity = self.generator.prepare(portrait)
        return tuple(identity[name] for name in self.names)


class FlatStep(nn.Module):
    """Window, end, identity and state → the head's outputs and the next state, in the specification's order."""

    def __init__(self, generator: StreamingGenerator, spec: ModelSpec) -> None:
        super().__init__()
        self.generator, self.spec = generator, spec

    def forward(self, window: Tensor, end: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        n = len(self.spec.identity)
        identity = dict(zip(self.spec.identity, rest[:n], strict=True))
        state = dict(zip(self.spec.state, rest[n:], strict=True))
        outputs, after = self.generator.step(identity, window, end, state)
        return (*(outputs[name] for name in self.spec.outputs), *(after[name] for name in self.spec.state))


def step_inputs(spec: ModelSpec) -> list[str]:
    return ["window", "end", *spec.identity, *spec.state]


def step_outputs(spec: ModelSpec) -> list[str]:
    return [*spec.outputs, *(f"next_{name}" for name in spec.state)]


def example_step(generator: StreamingGenerator, batch: int) -> tuple[Tensor, ...]:
    """Inputs of FlatStep for `batch` sessions at their start."""
    identity = generator.prepare(torch.rand(batch, 4, 112, 112))
    window, end = torch.rand(batch, N_MFCC, WINDOW_HOPS), torch.full((batch,), 100, dtype=torch.int64)
    return (window, end, *identity.values(), *generator.initial_state(batch).values())
