"""`facewire bench generator --all`: the step alone of every system and preset, on every runner, at growing batches.

Weights are random, so that systems nobody has trained are measured too: a step multiplies by all of them, whatever they are. Each
folder is exported for this, and proven in a few frames. One thread runs each step; its floor is that of one thread, too. What
cannot run here stands in the record with the reason.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError, FacewireError
from realtime.portrait import Portrait
from realtime.runners.floor import Floor
from realtime.runners.openvino_floor import floor_in
from realtime.runners.openvino_runner import GRAPHS, OpenVinoRunner
from realtime.runners.runner import RUNNERS, Runner, load_runner
from server.bench.exports import Refused, Wanted, export_all
from server.bench.progress import tell
from server.bench.record import Figures, summary, table
from server.bench.step_speed import steps_ms

BATCHES = (1, 2, 4, 8)
STEPS = (30, 200)  # at least, at most
STEPS_S = 1.5  # then no more are begun
TARGETS = {"aotinductor": "aotinductor", "onnx": "onnx", "openvino": "openvino-int8", "torch": "torch", "cuda": "torch"}
"""What a runner's folder is exported to, where it is not its name; the slowest exports first."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A runner by its name, and the precision where it has several."""

    runner: str
    precision: str | None = None

    @property
    def target(self) -> str:
        return TARGETS.get(self.runner, self.runner)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A row of the record. gflop: of the whole batch; refused: why there are no figures."""

    generator: str
    runner: str
    precision: str | None
    batch: int
    step_ms: Figures | None = None
    gflop: float | None = None
    floor_ms: float | None = None
    of_the_floor: float | None = None
    refused: str | None = None


def ways() -> list[Way]:
    """Every runner that there is, OpenVINO's in each precision."""
    precisions = {"openvino": tuple(GRAPHS)}
    return [Way(runner=name, precision=precision) for name in RUNNERS for precision in precisions.get(name, (None,))]


def measure(
    portrait: Portrait, generators: Sequence[str], chosen: Sequence[Way], batches: Sequence[int] = BATCHES
) -> tuple[Figures, list[str]]:
    """Figures and tables of a record. generators: SYSTEM/PRESET."""
    targets = dict.fromkeys([*(t for t in TARGETS.values() if t in {way.target for way in chosen}), *(w.target for w in chosen)])
    wanted = [Wanted(generator=name, target=target) for target in targets for name in generators]
    with tempfile.TemporaryDirectory() as place:
        tell(f"{len(wanted)} exports, several at once; AOTInductor's take a minute and more")
        folders = export_all(wanted, batches, Path(place))
        steps = [step for name in generators for step in _of(name, folders, portrait, chosen, batches)]
    rows = [{key: value for key, value in asdict(step).items() if value is not None} for step in steps]
    return {"steps": rows}, tables(steps)


def _of(
    generator: str, folders: dict[Wanted, Path | Refused], portrait: Portrait, chosen: Sequence[Way], batches: Sequence[int]
) -> Iterator[Step]:
    """A generator's rows, in the order of the ways."""
    graph = folders.get(Wanted(generator=generator, target=TARGETS["openvino"]))
    counting = OpenVinoRunner(graph, precision="f32") if isinstance(graph, Path) else None
    for way in chosen:
        tell(f"{generator} on {way.runner} {way.precision or ''}")
        measured = 0
        try:
            runner = _opened(folders[Wanted(generator=generator, target=way.target)], way)
            floor, precision = _floor(runner, way, counting)
            for batch in batches:
                runner.compile(batch)
                yield _step(generator, way.runner, precision, batch, steps_ms(runner, portrait, batch, STEPS, STEPS_S), floor)
                measured += 1
        except Exception as error:  # runtimes have no error class in common, and the other rows are worth having
            why = str(error) if isinstance(error, FacewireError) else " ".join(f"{type(error).__name__}: {error}".split())
            refused = partial(Step, generator=generator, runner=way.runner, precision=way.precision, refused=why)
            yield from (refused(batch=batch) for batch in batches[measured:])


def _opened(folder: Path | Refused, way: Way) -> Runner:
    """On one thread.

    Raises ConfigError with the export's reason, or as the runner does; ModelError.
    """
    if isinstance(folder, Refused):
        raise ConfigError(folder.why)
    if way.runner == "openvino":
        return OpenVinoRunner(folder, precision=way.precision)
    if way.runner == "torch":
        from realtime.runners.torch_runner import TorchRunner

        return TorchRunner(folder, threads=1)
    return load_runner(folder, way.runner)


def _floor(runner: Runner, way: Way, counting: OpenVinoRunner | None) -> tuple[Floor | None, str]:
    """Of a runner's step, and its precision. counting: its graph is counted for all that run on the processor."""
    device: Any = getattr(runner, "device", None)
    if device is not None and device.type == "cuda":
        from realtime.runners.device_floor import floor_of
        from realtime.runners.device_runner import PRECISIONS

        return floor_of(runner), PRECISIONS[runner.dtype]  # type: ignore[arg-type,attr-defined]
    precision = way.precision or "f32"
    return (None if counting is None else floor_in(counting, precision)), precision


def _step(generator: str, runner: str, precision: str, batch: int, wall_ms: list[float], floor: Floor | None) -> Step:
    wall = summary(wall_ms)
    row: Callable[..., Step] = partial(Step, generator=generator, runner=runner, precision=precision, batch=batch, step_ms=wall)
    if floor is None:
        return row()
    least = floor.ms(batch)
    return row(gflop=round(batch * floor.flops / 1e9, 3), floor_ms=round(least, 3), of_the_floor=round(wall["p50"] / least, 1))


def tables(steps: Sequence[Step]) -> list[str]:
    """One a generator; what was refused in one line for all batches."""
    headings = ("runner", "precision", "batch", "p50 ms", "p95 ms", "p99 ms", "GFLOP", "floor ms", "times the floor")
    parts = []
    for name in dict.fromkeys(step.generator for step in steps):
        own = [step for step in steps if step.generator == name]
        rows = [
            (s.runner, s.precision, s.batch, *(s.step_ms[p] for p in ("p50", "p95", "p99")), s.gflop, s.floor_ms, s.of_the_floor)
            for s in own
            if s.step_ms is not None
        ]
        reasons = dict.fromkeys((" ".join(filter(None, (s.runner, s.precision))), s.refused) for s in own if s.refused)
        refused = [f"Not run: {runner}: {why}\n" for runner, why in reasons]
        parts += [f"## {name}\n", table(headings, rows), *refused]
    note = (
        "Untrained weights, one thread; windows on the host to frames on the host, the state handed on as in a call. GFLOP: of "
        "the whole batch, counted from OpenVINO's graph. The floor: that arithmetic at the speed of a large matrix product in "
        "that precision on one thread, or its bytes at the speed of a large copy, whichever takes longer; both measured here.\n"
    )
    return [*parts, note]
