"""A benchmark's record: what was measured, with which command, on what, as JSON and as a table that people read."""

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

PERCENTILES = (50, 95, 99)
PACKAGES = ("facewire", "aiohttp", "aiortc", "av", "numpy", "opencv-python-headless", "openvino", "uvloop")
ROOT = Path(__file__).resolve().parents[2]

Figures = dict[str, Any]
Report = tuple[str, Figures, list[str]]
"""What a benchmark gives: the record's title, its figures, its tables as Markdown."""


def summary(values: Sequence[float]) -> Figures:
    """Percentiles of a measurement, and how many values they stand on."""
    levels = np.percentile(np.array(values, np.float64), PERCENTILES)
    named = {f"p{level}": round(float(value), 2) for level, value in zip(PERCENTILES, levels, strict=True)}
    return {**named, "n": len(values)}


def describe_machine() -> Figures:
    """Processor, cores, memory, how busy the machine was before the benchmark, and the versions that ran."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_bytes / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def write_record(folder: Path, name: str, record: Mapping[str, Any], tables: Sequence[str]) -> Path:
    """Writes DATE-NAME.json and DATE-NAME.md; returns the second."""
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    path = folder / f"{date}-{name}.md"
    full = write_json(path.with_suffix(".json"), record)
    machine = full["machine"]
    head = (
        f"# {record['title']}\n\n"
        f"{date}, commit {machine['commit']}, `{record['command']}`. "
        f"{machine['processor']}, {machine['cores']} cores; load of the machine before: {machine['load_before']}. "
        f"All figures and versions: [{path.stem}.json]({path.stem}.json).\n"
    )
    path.write_text("\n".join([head, *tables]))
    return path


def write_json(path: Path, record: Mapping[str, Any]) -> Figures:
    """Writes a record with its date, and its machine as it is now where it does not tell; returns what was written."""
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    full = {"date": date, **record, "machine": record.get("machine") or describe_machine()}
    path.write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n")
    return full


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join("–" if cell is None else str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit of the working tree, marked where it was changed; "unknown" outside of one."""
    ask = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
