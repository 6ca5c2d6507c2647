"""Model folders for a benchmark, made by `facewire export` as a user would call it: a process each, as many at once as cores."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from server.bench.progress import tell
from server.bench.serving import available_cores

PATIENCE_S = 1800
SAID_BY = "facewire export: "


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """generator: SYSTEM/PRESET, of random weights; target: of `facewire export --to`."""

    generator: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """why: the sentence that the export ended with."""

    why: str


def export_all(wanted: Sequence[Wanted], batches: Sequence[int], place: Path) -> dict[Wanted, Path | Refused]:
    """Each one's folder under `place`, or why there is none. Those that take longest are best asked for first."""
    found: dict[Wanted, Path | Refused] = {}

    def export(one: Wanted) -> None:
        found[one] = _export(one, batches, place / one.generator.replace("/", "-") / one.target)
        tell(f"{len(found)} of {len(wanted)} exports: {one.generator} to {one.target}")

    with ThreadPoolExecutor(len(available_cores())) as workers:
        list(workers.map(export, wanted))
    return found


def _export(one: Wanted, batches: Sequence[int], folder: Path) -> Path | Refused:
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "facewire", "export", f"untrained:{one.generator}", str(folder), "--to", one.target]
    command += ["--batch", ",".join(map(str, batches))]
    try:
        ended = subprocess.run(
            command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Refused(why=f"the export to {one.target} was not done after {PATIENCE_S // 60} minutes")
    if ended.returncode == 0:
        return folder
    said = ended.stderr.strip().splitlines()
    return Refused(why=said[-1].removeprefix(SAID_BY) if said else f"the export ended with {ended.returncode} and no word")
