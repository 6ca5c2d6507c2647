"""How many more calls this process can carry, by what the present ones were measured to use.

Three things run out: the event loop's thread (sound, packets, signalling), the engine's (the generator), and the processor as a
whole. The busiest of them counts. Where pictures are being lost already, whatever the reason, there is no room.
"""

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

SPAN_S = 3.0
UNMEASURED_SHARE = 0.15  # of the busiest resource, by a call that has not been measured yet
LEAST_SHARE = 0.02
MOST_LOST = 0.1  # of all pictures
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What was used and done so far, in all: processor seconds of the process, of the event loop's thread and of the engine's;
    pictures shown and lost; sessions now. at_s: the clock."""

    at_s: float
    process_s: float
    loop_s: float
    engine_s: float
    sessions: int
    shown: float
    lost: float


class Headroom:
    """Told the load once a second. limit: share of the busiest resource that calls may use; None: anything goes."""

    def __init__(self, limit: float | None, cores: float) -> None:
        self._limit, self._cores = limit, cores
        self._loads: deque[Load] = deque()

    def note(self, load: Load) -> None:
        self._loads.append(load)
        while len(self._loads) > 2 and load.at_s - self._loads[1].at_s >= SPAN_S:
            self._loads.popleft()

    @property
    def busy(self) -> dict[str, float]:
        """Share of each resource that was used lately, 0..1, by name."""
        first, last = self._span()
        taken_s = last.at_s - first.at_s
        if taken_s <= 0:
            return {"loop": 0.0, "engine": 0.0, "processor": 0.0}
        return {
            "loop": (last.loop_s - first.loop_s) / taken_s,
            "engine": (last.engine_s - first.engine_s) / taken_s,
            "processor": (last.process_s - first.process_s) / taken_s / self._cores,
        }

    @property
    def lost_share(self) -> float:
        """Of the pictures that were due lately, how many were lost."""
        first, last = self._span()
        lost = last.lost - first.lost
        return lost / max(1.0, lost + last.shown - first.shown)

    def more(self, sessions: int) -> float:
        """How many calls there is room for beside the `sessions` that there are, those that are just joining included; infinite
        where nothing is measured."""
        if self._limit is None:
            return float("inf")
        if sessions and self.lost_share > MOST_LOST:
            return 0.0
        busiest = max(self.busy.values())
        measured = sum(load.sessions for load in self._loads) / max(1, len(self._loads))
        share = max(LEAST_SHARE, busiest / measured) if measured >= 1 else UNMEASURED_SHARE
        unmeasured = max(0.0, sessions - measured)
        room = (self._limit - busiest - unmeasured * share) / share
        return max(room, 1.0) if sessions == 0 else max(0.0, room)

    def _span(self) -> tuple[Load, Load]:
        if not self._loads:
            nothing = Load(at_s=0, process_s=0, loop_s=0, engine_s=0, sessions=0, shown=0, lost=0)
            return nothing, nothing
        return self._loads[0], self._loads[-1]


def usable_cores() -> float:
    """Cores that this process may use, a container's limit included."""
    cores = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(os.cpu_count() or 1)
    try:
        quota, _, period = CGROUP_LIMIT.read_text().partition(" ")
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # no such limit, or "max"
        return cores
