"""Which windows are drawn next, and when: as many together as can be, none later than its frame is needed.

A step for eight windows costs far less than eight steps. Frames leave on a schedule, most of them some time after they could
have: that time is spent waiting for windows of other sessions. Where there is more to draw than time, what cannot be ready in
time is left out where a newer window of its session waits, and who lost a frame comes first: so all lose alike.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from realtime.batching import Request
from realtime.model_spec import FRAME_MS
from realtime.pacing import MAX_DROPPED_IN_A_ROW

MARGIN_S = 0.006  # for the system to wake a thread, and a step that takes longer than the last ones
GATHERING_S = 0.025  # what a window waits for others at most: in 40 ms each session brings one
TOLERANCE_S = FRAME_MS / 1000  # a picture that is later than this is not sent (pacing.py)
LEARNING_RATE = 0.2
SLOWER_AT_ONCE = 1.5  # an estimate follows a slower step by at most this factor: one hiccup is none
MOST_S = FRAME_MS / 1000  # a first step may take seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """take: how many of the heads to draw now, in the order of `urgency`; wait_s: where none, when to ask again at the latest
    (None: there is nothing to wait for)."""

    take: int
    wait_s: float | None = None


class BatchPlanner:
    """Plans by what steps were measured to take. sizes: batch sizes that are compiled, ascending."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._step_s = dict.fromkeys(sizes, 0.0)

    def measured(self, size: int, seconds: float) -> None:
        """A step for `size` windows took so long."""
        known = self._step_s.get(size, 0.0)
        self._step_s[size] = min(
            MOST_S, known + LEARNING_RATE * (min(seconds, SLOWER_AT_ONCE * known) - known) if known else seconds
        )

    def outdated(self, waiting: deque[Request], now_s: float, lost_in_a_row: int) -> list[Request]:
        """Takes out what is late and has a newer window behind it; also the newest where nobody would show it any more, unless so
        many were lost that any picture is welcome. Estimates have no say in it: a wrong one must not silence anybody."""
        gone: list[Request] = []
        while waiting and lost_in_a_row + len(gone) < MAX_DROPPED_IN_A_ROW:
            due_s, newer = waiting[0].due_s, len(waiting) > 1 and waiting[1].index is not None
            if due_s is None or now_s <= due_s + TOLERANCE_S * (0.5 if newer else 1.0):
                break
            gone.append(waiting.popleft())
        return gone

    def plan(self, heads: Sequence[Request], sessions: int, now_s: float) -> Plan:
        """heads: the oldest window of each session that has one; sessions: how many there are."""
        if not heads:
            return Plan(take=0)
        size = self._size(len(heads))
        nobody_else = len(heads) >= sessions or len(heads) >= self._sizes[-1]
        spare_s = min(self._begin_by(head, size) for head in heads) - now_s
        if nobody_else or spare_s <= 0:
            return Plan(take=size)
        return Plan(take=0, wait_s=spare_s)

    def _begin_by(self, head: Request, size: int) -> float:
        if head.due_s is None:
            return -math.inf
        return min(head.submitted_s + GATHERING_S, head.due_s - self._step_s[size] - MARGIN_S)

    def _size(self, windows: int) -> int:
        return max(size for size in self._sizes if size <= windows)


def urgency(head: Request, lost_in_a_row: int) -> tuple[int, float]:
    """Sorts the heads: who lost frames, then whose frame is needed first; then what is in no hurry with others."""
    return -lost_in_a_row, math.inf if head.due_s is None else head.due_s
