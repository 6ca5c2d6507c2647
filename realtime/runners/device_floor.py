"""The floor of a step of torch's runners: counted once, against what the device was measured to do."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from realtime.runners.device_runner import DeviceRunner
from realtime.runners.floor import Floor, fastest_s
from realtime.runners.ports import step_inputs, step_outputs

SIDES = {"cuda": 8192, "cpu": 1024}  # of the square matrices that are multiplied
COPIED = {"cuda": 2**30, "cpu": 2**27}  # bytes
REPEATS = 10


@torch.inference_mode()
def floor_of(runner: DeviceRunner) -> Floor:
    """Counts one step and measures the device: a large matrix product in the runner's type, a large copy. The numbers are random,
    for a GPU multiplies ones faster than a model's numbers."""
    spec, dtype, device = runner.spec, runner.dtype, runner.device
    ports = [*step_inputs(spec).values(), *step_outputs(spec).values()]
    numbers = sum(int(torch.Size(shape).numel()) for shape, _ in ports)
    side = SIDES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.randint(256, (COPIED[device.type],), device=device, dtype=torch.uint8)
    target = torch.empty_like(source)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return Floor(
        flops=_flops(runner),
        weight_bytes=runner.weight_bytes,
        session_bytes=numbers * dtype.itemsize,
        flops_per_s=2 * side**3 / fastest_s(lambda: torch.mm(a, b), REPEATS, wait),
        bytes_per_s=2 * len(source) / fastest_s(lambda: target.copy_(source), REPEATS, wait),
    )


@torch.inference_mode()
def _flops(runner: DeviceRunner) -> int:
    kinds = {"float32": runner.dtype, "int64": torch.int64}
    inputs = [torch.ones(1, *shape, dtype=kinds[kind], device=runner.device) for shape, kind in step_inputs(runner.spec).values()]
    with FlopCounterMode(display=False) as counter:
        DeviceRunner.program(runner, 1)(*inputs)
    return int(counter.get_total_flops())
