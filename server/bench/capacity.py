"""`facewire bench capacity`: calls at once until pictures come late, and what a call costs the server.

Callers are real aiortc connections that send real speech, in a process of their own, on cores of their own where there are any;
one more joins at each level. A level holds where the 95th percentile of all pictures' lateness is at most 40 ms; lateness counts
pictures that never came (`lateness.py`). A level that does not hold is measured once more before it is believed.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import ConfigError
from server.bench.callers import Callers
from server.bench.progress import tell
from server.bench.record import Figures, Report, table
from server.bench.serving import Serving, available_cores, serving

LATE_MS = 40.0
SETTLE_S = 3.0
MOST_CALLS = 64
VOICE_PACKETS_A_SECOND = 50


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which cores the server has, and which the callers."""

    server: tuple[int, ...]
    callers: tuple[int, ...]

    @property
    def apart(self) -> bool:
        return not set(self.server) & set(self.callers)

    def __str__(self) -> str:
        return "server and callers on cores of their own" if self.apart else "server and callers share the cores"


def place(n_cores: int) -> Place:
    """The server on the last cores that this process may use, the callers on the others; on all where none is left.

    Raises ConfigError where there are not so many.
    """
    cores = available_cores()
    if n_cores > len(cores):
        raise ConfigError(f"the server was to have {n_cores} cores, {len(cores)} may be used here")
    mine, others = cores[-n_cores:], cores[:-n_cores]
    return Place(server=tuple(mine), callers=tuple(others or cores))


def run(*, model: Path | None, sizes: Sequence[int], n_cores: Sequence[int], speech: Path, seconds: float) -> Report:
    """Title, figures and tables of the record.

    Raises ConfigError where the server does not start, or there are too few cores; AudioError.
    """
    runs = [_run(model, size, place(cores), speech, seconds) for cores in n_cores for size in sizes]
    first = runs[0]
    configuration = {"model": str(model or "default"), "sizes": list(sizes), "cores": list(n_cores), "seconds": seconds}
    figures = {
        "configuration": configuration,
        "sessions_per_core": round(first["sessions"] / first["cores"], 2),
        "cpu_ms_per_frame": first["at_capacity"]["cpu_ms_per_frame"] if first["at_capacity"] else None,
        "runs": runs,
    }
    title = f"Calls at once: p95 of the pictures' lateness at most {LATE_MS:.0f} ms"
    return title, figures, _tables(runs)


def _run(model: Path | None, size: int, where: Place, speech: Path, seconds: float) -> Figures:
    flags = ["--size", str(size), "--max-sessions", str(MOST_CALLS), *(["--model", str(model)] if model else [])]
    with tempfile.TemporaryDirectory() as folder, serving(flags, where.server, Path(folder) / "server.txt") as server:
        idle_mb = server.memory_mb
        with Callers(server.url, speech, where.callers) as callers:
            levels, refusal = _climb(server, callers, seconds)
        start_s = server.start_s
    held = [level for level in levels if level["holds"]]
    most = held[-1] if held else None
    return {
        "size": size,
        "cores": len(where.server),
        "placement": str(where),
        "server_start_s": round(start_s, 2),
        "idle_memory_mb": round(idle_mb),
        "sessions": most["calls"] if most else 0,
        "refused": refusal,
        "at_capacity": most,
        "memory_mb_a_session": _slope([(level["calls"], level["memory_mb"]) for level in levels]),
        "levels": levels,
    }


def _climb(server: Serving, callers: Callers, seconds: float) -> tuple[list[Figures], str | None]:
    """One more call at a time until a level does not hold twice, or the server refuses: the levels, and why it refused."""
    levels: list[Figures] = []
    for calls in range(1, MOST_CALLS + 1):
        if (refusal := callers.call(calls)) is not None:
            return levels, refusal
        time.sleep(SETTLE_S)
        level = _level(server, callers, calls, seconds)
        if not level["holds"]:
            level = _level(server, callers, calls, seconds)
        levels.append(level)
        tell(f"{calls} calls: p95 late by {level['picture_late_ms']['p95']} ms, {level['cpu_percent_of_a_core']} % of a core")
        if not level["holds"]:
            break
    return levels, None


def _level(server: Serving, callers: Callers, calls: int, seconds: float) -> Figures:
    began_s, busy_s = time.monotonic(), server.processor_s
    seen = callers.measure(seconds)
    taken_s, busy_s = time.monotonic() - began_s, server.processor_s - busy_s
    pictures_in_all = seen["pictures"] * taken_s / seen["seconds"]  # the processor time is that of a moment longer
    return {
        "calls": calls,
        "holds": seen["picture_late_ms"]["p95"] <= LATE_MS,
        "cpu_percent_of_a_core": round(100 * busy_s / taken_s, 1),
        "cpu_percent_a_session": round(100 * busy_s / taken_s / calls, 2),
        "cpu_ms_per_frame": round(1000 * busy_s / max(1.0, pictures_in_all), 2),
        "memory_mb": round(server.memory_mb),
        **seen,
    }


def _slope(points: Sequence[tuple[int, float]]) -> float | None:
    """What one more call adds: least squares over (calls, memory)."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / max(1, n), sum(y for _, y in points) / max(1, n)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return round(sum((x - mean_x) * (y - mean_y) for x, y in points) / spread, 1) if spread else None


def _tables(runs: Sequence[Figures]) -> list[str]:
    heads = (
        "cores",
        "size",
        "calls",
        "a core",
        "% of a core a call",
        "CPU ms a picture",
        "memory MB a call",
        "idle MB",
        "start s",
    )
    rows = []
    for one in runs:
        most = one["at_capacity"] or {"cpu_percent_a_session": None, "cpu_ms_per_frame": None}
        share = round(one["sessions"] / one["cores"], 1)
        costs = (most["cpu_percent_a_session"], most["cpu_ms_per_frame"], one["memory_mb_a_session"], one["idle_memory_mb"])
        rows.append((one["cores"], one["size"], one["sessions"], share, *costs, one["server_start_s"]))
    parts = [table(heads, rows)]
    for one in runs:
        refused = f" The next call was refused: {one['refused']}." if one["refused"] else ""
        parts.append(f"{one['cores']} of the machine's cores, {one['size']} px: {one['placement']}.{refused}\n")
        parts.append(_levels(one["levels"]))
    return parts


def _levels(levels: Sequence[Figures]) -> str:
    heads = (
        "calls",
        "late ms p50",
        "p95",
        "p99",
        "voice late p95",
        "pictures/s, worst",
        "server, of a core",
        "callers",
        "memory MB",
    )
    rows = [
        (
            level["calls"],
            *(level["picture_late_ms"][key] for key in ("p50", "p95", "p99")),
            level["voice_late_ms"]["p95"],
            min(level["pictures_a_second"]),
            f"{level['cpu_percent_of_a_core']} %",
            f"{level['callers_percent_of_a_core']} %",
            level["memory_mb"],
        )
        for level in levels
    ]
    return table(heads, rows)
