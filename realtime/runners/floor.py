"""The least time that a step could take on a device: its arithmetic or its bytes, at speeds measured there and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from realtime.runners.device_runner import DeviceRunner
from realtime.runners.ports import step_inputs, step_outputs

SIDES = {"cuda": 8192, "cpu": 1024}  # of the square matrices that are multiplied
COPIED = {"cuda": 2**30, "cpu": 2**27}  # bytes
REPEATS = 10


@dataclass(frozen=True, kw_only=True)
class Floor:
    """flops: of one session's step, convolutions and matrix products (LSTMs are left out); weight_bytes: read once a step;
    session_bytes: read and written for each session; the device's measured speeds."""

    flops: int
    weight_bytes: int
    session_bytes: int
    flops_per_s: float
    bytes_per_s: float

    def ms(self, batch: int) -> float:
        """Milliseconds of a step that nothing but arithmetic or memory holds up, whichever is slower."""
        arithmetic = batch * self.flops / self.flops_per_s
        memory = (self.weight_bytes + batch * self.session_bytes) / self.bytes_per_s
        return 1000 * max(arithmetic, memory)


def floor_of(runner: DeviceRunner) -> Floor:
    """Counts one step and measures the device: a large matrix product in the runner's type, a large copy."""
    spec, dtype, device = runner.spec, runner.dtype, runner.device
    ports = [*step_inputs(spec).values(), *step_outputs(spec).values()]
    numbers = sum(int(torch.Size(shape).numel()) for shape, _ in ports)
    side = SIDES[device.type]
    a, b = (torch.ones(side, side, device=device, dtype=dtype) for _ in range(2))
    source = torch.ones(COPIED[device.type], device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    return Floor(
        flops=_flops(runner),
        weight_bytes=runner.weight_bytes,
        session_bytes=numbers * dtype.itemsize,
        flops_per_s=2 * side**3 / _fastest_s(lambda: torch.mm(a, b), device),
        bytes_per_s=2 * len(source) / _fastest_s(lambda: target.copy_(source), device),
    )


@torch.inference_mode()
def _flops(runner: DeviceRunner) -> int:
    kinds = {"float32": runner.dtype, "int64": torch.int64}
    inputs = [torch.ones(1, *shape, dtype=kinds[kind], device=runner.device) for shape, kind in step_inputs(runner.spec).values()]
    with FlopCounterMode(display=False) as counter:
        DeviceRunner.program(runner, 1)(*inputs)
    return int(counter.get_total_flops())


@torch.inference_mode()
def _fastest_s(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)
