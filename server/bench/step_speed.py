"""`facewire bench generator --device cuda|cpu`: the step alone, on every runner that a model folder has for the device.

At growing batches: latency with the frames back on the host, frames a second, sessions at 25 fps, how far that is from the floor.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from realtime.errors import ConfigError
from realtime.model_spec import FRAME_MS, read_manifest
from realtime.portrait import Portrait
from realtime.runners.device_floor import floor_of
from realtime.runners.device_runner import DeviceRunner, gpu_name
from realtime.runners.floor import Floor
from realtime.runners.package_runner import AotInductorRunner, TensorRtRunner
from realtime.runners.runner import FOREVER, Runner
from server.bench.record import Figures, describe_machine, summary, table

BATCHES = {"cuda": (1, 2, 4, 8, 16, 32, 64, 128, 256), "cpu": (1, 4, 8)}
STEPS = {"cuda": 200, "cpu": 40}
WARM_UP = 5
TARGETS = ("torch", "aotinductor", "tensorrt")
WAYS = ("eager", "CUDA graph", "AOTInductor", "TensorRT")


def measure(folder: Path, portrait: Portrait, device: str) -> tuple[Figures, list[str]]:
    """Figures and tables of a record.

    Raises ConfigError where there is no such device, or the folder is for another kind of runner or device.
    """
    spec = read_manifest(folder)
    if spec.target not in TARGETS:
        raise ConfigError(f"{folder} was exported for {spec.target}: --device measures folders exported to {', '.join(TARGETS)}")
    built_for = spec.origin.get("built_for", {}).get("device", device)
    if built_for != device:
        raise ConfigError(f"{folder} was built for {built_for}, --device {device} came: export the checkpoint on that device")
    floor: Floor | None = None
    steps = []
    for name, runner in _runners(folder, spec.target, device):
        floor = floor or floor_of(runner)
        for batch in spec.batches or BATCHES[device]:
            wall = summary(steps_ms(runner, portrait, batch, (STEPS[device], STEPS[device])))
            steps.append(_step(name, batch, wall, floor.ms(batch)))
    assert floor is not None
    figures = {"device": device, "processor": _processor(device), "steps": steps, "floor": vars(floor)}
    return figures, tables(steps, floor)


def joined(measured: list[Figures]) -> tuple[Figures, list[str]]:
    """Several folders' figures as one record, by batch; a way that several have is taken from the first."""
    found = {(step["batch"], step["runner"]): step for figures in reversed(measured) for step in figures["steps"]}
    steps = [found[key] for key in sorted(found, key=lambda key: (key[0], WAYS.index(key[1])))]
    first = measured[0]
    floor = Floor(**first["floor"])
    return {"device": first["device"], "processor": first["processor"], "steps": steps, "floor": vars(floor)}, tables(
        steps, floor
    )


def tables(steps: list[Figures], floor: Floor) -> list[str]:
    headings = ("runner", "batch", "p50 ms", "p95 ms", "p99 ms", "frames/s", "sessions at 25 fps", "times the floor")
    rows = []
    for step in steps:
        wall = step["step_ms"]
        last = (step["frames_per_s"], step["sessions_at_25_fps"], step["of_the_floor"])
        rows.append((step["runner"], step["batch"], wall["p50"], wall["p95"], wall["p99"], *last))
    note = (
        f"The floor: {floor.flops / 1e9:.3f} GFLOP and {floor.session_bytes / 1e3:.0f} kB a session, "
        f"{floor.weight_bytes / 1e6:.1f} MB of weights a step, at {floor.flops_per_s / 1e12:.2f} TFLOP/s and "
        f"{floor.bytes_per_s / 1e9:.0f} GB/s, measured here. "
        "Sessions: 40 ms over the 95th percentile.\n"
    )
    return [table(headings, rows), note]


def _step(name: str, batch: int, wall: Figures, floor_ms: float) -> Figures:
    return {
        "runner": name,
        "batch": batch,
        "step_ms": wall,
        "frames_per_s": round(1000 * batch / wall["p50"]),
        "sessions_at_25_fps": int(batch * FRAME_MS / wall["p95"]),
        "floor_ms": round(floor_ms, 4),
        "of_the_floor": round(wall["p50"] / floor_ms, 1),
    }


def _processor(device: str) -> str:
    return gpu_name() if device == "cuda" else str(describe_machine()["processor"])


def _runners(folder: Path, target: str, device: str) -> Iterator[tuple[str, DeviceRunner]]:
    """Every way in which the device can run the folder, the plainest first; the one before is let go."""
    yield WAYS[0], DeviceRunner(folder, device=device, graphs=False)
    if device == "cuda":
        yield WAYS[1], DeviceRunner(folder, device=device)
    if target == "aotinductor":
        yield WAYS[2], AotInductorRunner(folder)
    if target == "tensorrt" and device == "cuda":
        yield WAYS[3], TensorRtRunner(folder)


def steps_ms(runner: Runner, portrait: Portrait, batch: int, count: tuple[int, int], for_s: float = 0.0) -> list[float]:
    """Each step's, from windows on the host to frames on the host, the state handed on as in a call. count: at least and at most;
    between them no step is begun after for_s."""
    one, state = runner.prepare(portrait.crop), runner.initial_state(batch)
    identity = {name: np.concatenate([value] * batch) for name, value in one.items()}
    windows = np.random.default_rng(0).standard_normal((count[1] + WARM_UP, batch, 12, 28)).astype(np.float32)
    end = np.full(batch, FOREVER, np.int64)
    wall_ms: list[float] = []
    began = time.perf_counter()
    for window in windows:
        started = time.perf_counter()
        if len(wall_ms) >= count[0] + WARM_UP and started - began > for_s:
            break
        _, state = runner.step(identity, window, end, state)
        wall_ms.append(1000 * (time.perf_counter() - started))
    return wall_ms[WARM_UP:]
