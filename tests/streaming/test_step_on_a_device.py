"""What a CUDA graph demands of a step, shown without a GPU: on torch's `meta` device nothing can be read by the host, and what
lies on the processor cannot be mixed in."""

from collections.abc import Callable

import pytest
import torch

from export.flat_graph import FlatPrepare, FlatStep
from realtime.runners.ports import step_inputs
from realtime.runners.torch_runner import spec_of
from tests.streaming.narrow import FUSIONS, SYSTEM_2, narrow_system

SYSTEMS = ("paper", "live", "lite", *(f"live {fusion}" for fusion in FUSIONS[1:]), f"{SYSTEM_2}paper", f"{SYSTEM_2}live")
KINDS = {"float32": torch.bfloat16, "int64": torch.int64}


@pytest.mark.parametrize("name", SYSTEMS)
@torch.inference_mode()
def test_prepare_and_step_stay_on_the_device(name: str) -> None:
    generator = narrow_system(name)
    spec = spec_of(generator, "", {})
    step = FlatStep(generator, spec).to("meta", torch.bfloat16)
    ports = step_inputs(spec).values()
    given = step(*(torch.empty(2, *shape, dtype=KINDS[kind], device="meta") for shape, kind in ports))
    given += FlatPrepare(generator, spec)(torch.empty(1, 4, 112, 112, dtype=torch.bfloat16, device="meta"))
    assert {tensor.device.type for tensor in given} == {"meta"}
    assert {tensor.dtype for tensor in given} == {torch.bfloat16, torch.int64}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tensor: tensor + torch.ones(tensor.shape),  # a constant on the processor
        lambda tensor: tensor * tensor.max().item(),  # the host waits for a number
    ],
)
def test_what_leaves_the_device_would_be_seen(spoil: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The control."""
    generator = narrow_system("live")
    spec = spec_of(generator, "", {})
    generator.standardised = spoil  # type: ignore[assignment,method-assign]
    inputs = [torch.empty(2, *shape, dtype=KINDS[kind], device="meta") for shape, kind in step_inputs(spec).values()]
    step = FlatStep(generator, spec).to("meta", torch.bfloat16)
    with pytest.raises(RuntimeError, match="meta"):
        step(*inputs)
