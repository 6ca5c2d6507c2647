"""When windows are drawn: together, in time, and evenly where there is too little time. No clock runs here."""

from collections import deque

import numpy as np
import pytest

from realtime.batching import Request
from realtime.deadlines import GATHERING_S, MARGIN_S, TOLERANCE_S, BatchPlanner, Plan, urgency
from realtime.pacing import MAX_DROPPED_IN_A_ROW

STEP_S = 0.010


def window(due_s: float | None, index: int | None = 0, submitted_s: float = 9.0) -> Request:
    return Request(index=index, mfcc=np.zeros((12, 28), np.float32), due_s=due_s, submitted_s=submitted_s)


@pytest.fixture
def planner() -> BatchPlanner:
    """Compiled for 1, 2 and 4; every step takes 10 ms."""
    known = BatchPlanner([1, 2, 4])
    for size in (1, 2, 4):
        known.measured(size, STEP_S)
    return known


def test_it_waits_for_others_as_long_as_the_first_frame_allows(planner: BatchPlanner) -> None:
    heads = [window(1.050), window(1.080)]
    early = planner.plan(heads, 5, now_s=1.0)
    assert early.take == 0
    assert early.wait_s == pytest.approx(0.050 - STEP_S - MARGIN_S)
    assert planner.plan(heads, 5, now_s=1.037) == Plan(take=2)
    assert planner.plan(heads[1:], 5, now_s=1.037).take == 0


def test_it_waits_for_others_no_longer_than_they_take_to_come(planner: BatchPlanner) -> None:
    assert planner.plan([window(5.0, submitted_s=1.0)], 5, now_s=1.01).wait_s == pytest.approx(GATHERING_S - 0.01)
    assert planner.plan([window(5.0, submitted_s=1.0)], 5, now_s=1.03) == Plan(take=1)


def test_it_waits_for_nobody_where_nobody_else_can_come(planner: BatchPlanner) -> None:
    assert planner.plan([window(9.0)] * 2, 2, now_s=1.0) == Plan(take=2)
    assert planner.plan([window(9.0)] * 5, 50, now_s=1.0) == Plan(take=4)
    assert planner.plan([], 3, now_s=1.0) == Plan(take=0, wait_s=None)


def test_what_has_no_due_time_is_drawn_at_once_and_takes_others_along(planner: BatchPlanner) -> None:
    assert planner.plan([window(9.0), window(None)], 5, now_s=1.0) == Plan(take=2)


def test_a_slower_machine_begins_earlier(planner: BatchPlanner) -> None:
    for _ in range(50):
        planner.measured(2, 0.030)
    wait_s = planner.plan([window(1.100)] * 2, 5, now_s=1.0).wait_s
    assert wait_s == pytest.approx(0.100 - 0.030 - MARGIN_S, abs=0.002)


def test_one_hiccup_hardly_moves_the_plan(planner: BatchPlanner) -> None:
    planner.measured(1, 3.0)
    wait_s = planner.plan([window(1.100)], 5, now_s=1.0).wait_s
    assert wait_s == pytest.approx(0.100 - STEP_S - MARGIN_S, abs=0.2 * STEP_S)


def test_what_cannot_be_ready_goes_where_a_newer_window_waits(planner: BatchPlanner) -> None:
    waiting = deque([window(1.0, 0), window(1.02, 1), window(1.08, 2)])
    assert [gone.index for gone in planner.outdated(waiting, 1.05, 0)] == [0, 1]
    assert [kept.index for kept in waiting] == [2]


def test_the_newest_goes_only_where_it_would_not_be_shown(planner: BatchPlanner) -> None:
    assert not planner.outdated(deque([window(1.0)]), 1.0 + 0.9 * TOLERANCE_S, 0)
    assert planner.outdated(deque([window(1.0)]), 1.0 + 1.1 * TOLERANCE_S, 0)


def test_after_many_losses_any_picture_is_welcome(planner: BatchPlanner) -> None:
    assert not planner.outdated(deque([window(1.0)]), 9.0, MAX_DROPPED_IN_A_ROW)


def test_the_streams_end_and_what_is_in_no_hurry_are_never_left_out(planner: BatchPlanner) -> None:
    assert not planner.outdated(deque([window(None), window(None)]), 99.0, 0)
    assert not planner.outdated(deque([window(9.0, 0), window(None, None)]), 9.01, 0)


def test_who_lost_a_frame_comes_first_then_who_needs_it_first() -> None:
    order = sorted([(window(2.0), 0), (window(1.0), 0), (window(None), 0), (window(3.0), 1)], key=lambda pair: urgency(*pair))
    assert [head.due_s for head, _ in order] == [3.0, 1.0, 2.0, None]
