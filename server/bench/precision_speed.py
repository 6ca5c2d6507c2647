"""`facewire bench generator --precisions`: OpenVINO's step in every precision that a model was proven in, side by side.

The precisions take turns, a few steps each, so that another program on the machine disturbs all alike: compare inside the table.
"""

import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np

from realtime.errors import ConfigError
from realtime.model_spec import N_MFCC, WINDOW_HOPS, ModelSpec, read_manifest
from realtime.portrait import Portrait
from realtime.runners.openvino_runner import OpenVinoRunner
from realtime.runners.runner import FOREVER
from server.bench.record import Figures, table

BATCHES = (1, 4, 8)
TURNS = 20
STEPS = 10  # a turn
TARGETS = ("openvino", "openvino-int8")


class Stepping:
    """A runner that goes on with a batch; ms: processor time of each of its steps."""

    def __init__(self, runner: OpenVinoRunner, portrait: Portrait, batch: int) -> None:
        runner.compile(batch)
        self._runner, self.ms = runner, list[float]()
        self._identity = {name: np.repeat(value, batch, axis=0) for name, value in runner.prepare(portrait.crop).items()}
        self._windows = np.random.default_rng(0).standard_normal((STEPS, batch, N_MFCC, WINDOW_HOPS)).astype(np.float32)
        self._end, self._state = np.full(batch, FOREVER, np.int64), runner.initial_state(batch)

    def turn(self) -> None:
        """The first step of a turn finds another's data in the caches, and is not counted."""
        found = []
        for window in self._windows:
            started = time.process_time()
            _, self._state = self._runner.step(self._identity, window, self._end, self._state)
            found.append(1000 * (time.process_time() - started))
        self.ms += found[1:]


def measure(folder: Path, portrait: Portrait) -> tuple[Figures, list[str]]:
    """Figures and tables of a record.

    Raises ConfigError where the folder is for another runner.
    """
    spec = read_manifest(folder)
    if spec.target not in TARGETS:
        raise ConfigError(
            f"{folder} was exported for {spec.target}: --precisions measures folders exported to {', '.join(TARGETS)}"
        )
    runners = {precision: OpenVinoRunner(folder, precision=precision) for precision in spec.precisions}
    steps = {str(batch): _alternating(runners, portrait, batch) for batch in BATCHES}
    kernels = {precision: _kernels(runner) for precision, runner in runners.items()}
    parity = {precision: spec.origin.get("parity", {}).get(precision, {}) for precision in runners}
    return {"step_processor_ms": steps, "kernels": kernels, "parity": parity}, _tables(spec, steps, kernels, parity)


def _alternating(runners: dict[str, OpenVinoRunner], portrait: Portrait, batch: int) -> dict[str, float]:
    stepping = {precision: Stepping(runner, portrait, batch) for precision, runner in runners.items()}
    for _ in range(TURNS):
        for one in stepping.values():
            one.turn()
    return {precision: round(median(one.ms), 3) for precision, one in stepping.items()}


def _kernels(runner: OpenVinoRunner) -> dict[str, int]:
    """How many of the heavy layers run in which type, by the executed graph."""
    return dict(Counter(kernel.rpartition("_")[2] for _, _, kernel in runner.executed()))


def _tables(
    spec: ModelSpec, steps: dict[str, dict[str, float]], kernels: dict[str, dict[str, int]], parity: dict[str, Figures]
) -> list[str]:
    names = spec.precisions
    pairs = [(one, other) for i, other in enumerate(names) for one in names[i + 1 :]]
    speed = table(
        ("batch", *(f"{name} ms" for name in names), *(f"{one} / {other}" for one, other in pairs)),
        [
            (batch, *(found[name] for name in names), *(round(found[one] / found[other], 2) for one, other in pairs))
            for batch, found in steps.items()
        ],
    )
    shown = table(
        ("precision", "heavy layers run in", "worst frame dB", "lip opening"),
        [
            (
                name,
                ", ".join(f"{count} {kind}" for kind, count in kernels[name].items()),
                parity[name].get("psnr_db"),
                parity[name].get("opening"),
            )
            for name in names
        ],
    )
    note = (
        f"Processor time of one step on one thread, median of {TURNS * (STEPS - 1)} steps; the precisions took turns of {STEPS}. "
        "The last two columns are the manifest's: against the generator in float64.\n"
    )
    return [speed, shown, note]
