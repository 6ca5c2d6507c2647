"""`facewire bench soak`: calls that go on while others come, leave and vanish; what grows, what is left, who is served worse.

Memory's slope is least squares over the second half of the time: in the first, caches and pools fill.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from server.bench.callers import Callers
from server.bench.capacity import place
from server.bench.progress import tell
from server.bench.record import Figures, Report, table
from server.bench.serving import Serving, serving

SLICE_S = 10.0
GONE_S = 10.0  # by then nothing is left of callers that vanished


def run(*, model: Path | None, size: int, calls: int, speech: Path, seconds: float) -> Report:
    """Title, figures and tables of the record.

    Raises ConfigError where the server does not start; AudioError.
    """
    where = place(1)
    flags = ["--size", str(size), "--max-sessions", str(4 * calls), *(["--model", str(model)] if model else [])]
    with tempfile.TemporaryDirectory() as folder, serving(flags, where.server, Path(folder) / "server.txt") as server:
        before = _sample(server, 0.0)
        with Callers(server.url, speech, where.callers) as callers:
            callers.call(calls)
            slices = _churn(server, callers, seconds)
            callers.kill()
        gone_s = _until_gone(server)
        after = _sample(server, seconds)
    figures = {
        "configuration": {"model": str(model or "default"), "size": size, "calls": calls, "seconds": seconds},
        "placement": str(where),
        "memory_mb_an_hour": _slope_an_hour([(one["at_s"], one["memory_mb"]) for one in slices[len(slices) // 2 :]]),
        "gone_after_kill_s": gone_s,
        "before": before,
        "after": after,
        "callers_that_left": sum(one["left"] for one in slices),
        "callers_that_vanished": sum(one["vanished"] for one in slices),
        "refused": sum(one["refused"] for one in slices),
        "fairness": _fairness([_all_slices(slices)]),
        "fairness_worst_slice": _fairness(slices),
        "slices": slices,
    }
    return f"{seconds / 60:.0f} minutes of {calls} calls that come and go, {size} px", figures, _tables(figures)


def _churn(server: Serving, callers: Callers, seconds: float) -> list[Figures]:
    slices, began_s = [], time.monotonic()
    while time.monotonic() - began_s < seconds:
        seen = callers.churn(SLICE_S)
        slices.append(one := {**_sample(server, time.monotonic() - began_s), **seen})
        tell(f"{one['at_s'] / 60:.1f} of {seconds / 60:g} minutes: {one['sessions']} calls, {one['memory_mb']} MB")
    return slices


def _sample(server: Serving, at_s: float) -> Figures:
    return {
        "at_s": round(at_s, 1),
        "memory_mb": round(server.memory_mb, 1),
        "open_files": int(server.metric("process_open_fds")),
        "sessions": int(server.metric("facewire_sessions")),
    }


def _until_gone(server: Serving) -> float | None:
    """How long after the kill no call was left; None where some were."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < 3 * GONE_S:
        if server.metric("facewire_sessions") == 0:
            return round(time.monotonic() - began_s, 1)
        time.sleep(0.2)
    return None


def _fairness(slices: Sequence[Figures]) -> float:
    """Of the calls that stay: the worst one's pictures, of the best one's, in the worst slice. Ten seconds of a machine that is
    far too busy have few pictures, so one slice says less than all of the time."""
    rates = [one["pictures_a_second"] for one in slices]
    return round(min((min(own) / max(own) for own in rates if max(own) > 0), default=0.0), 3)


def _all_slices(slices: Sequence[Figures]) -> Figures:
    """The whole time as one slice: the same calls stay in all of them."""
    pictures = [[rate * one["seconds"] for rate in one["pictures_a_second"]] for one in slices]
    seconds = sum(one["seconds"] for one in slices)
    return {"pictures_a_second": [round(sum(own) / seconds, 2) for own in zip(*pictures, strict=True)], "seconds": seconds}


def _slope_an_hour(points: Sequence[tuple[float, float]]) -> float | None:
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return round(3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread, 2) if spread else None


def _tables(figures: Figures) -> list[str]:
    ended = (figures["callers_that_left"], figures["callers_that_vanished"], figures["refused"])
    rows = [
        ("memory, MB an hour (second half)", figures["memory_mb_an_hour"]),
        ("memory before / after, MB", f"{figures['before']['memory_mb']} / {figures['after']['memory_mb']}"),
        ("open files before / after", f"{figures['before']['open_files']} / {figures['after']['open_files']}"),
        ("all gone after all were killed, s", figures["gone_after_kill_s"]),
        ("callers that left / vanished / were refused", " / ".join(map(str, ended))),
        ("pictures of calls that stay, the worst one's of the best one's", figures["fairness"]),
        (f"the same in the worst {SLICE_S:.0f} s", figures["fairness_worst_slice"]),
    ]
    stay = " / ".join(map(str, _all_slices(figures["slices"])["pictures_a_second"]))
    return [table(("", ""), [*rows, ("their pictures a second", stay)]), f"{figures['placement']}.\n"]
