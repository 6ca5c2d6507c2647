"""The release schedule on a fake clock: in time, stalled, in bursts."""

import pytest

from realtime.pacing import ReleaseSchedule
from tests.unit.fake_clock import FakeClock


def schedule(clock: FakeClock) -> ReleaseSchedule:
    return ReleaseSchedule(clock=clock, delay_ms=200, anchor_s=clock.now())


def test_sound_and_picture_of_one_media_time_leave_at_one_moment() -> None:
    clock = FakeClock(10.0)
    both = schedule(clock)
    assert both.due_s(400) == 10.6
    clock.now_s = 10.5
    assert abs(both.wait_s(400) - 0.1) < 1e-9
    clock.now_s = 11.0
    assert both.wait_s(400) == 0


def test_frames_in_time_are_shown_and_nothing_is_repeated() -> None:
    clock = FakeClock()
    paced = schedule(clock)
    for index in range(10):
        clock.now_s = 0.19 + index * 0.04
        assert paced.judge(index) == "early"
    assert (paced.counts.shown, paced.counts.repeated, paced.counts.dropped) == (10, 0, 0)


def test_a_stall_drops_what_is_late_and_counts_what_stood_on() -> None:
    clock = FakeClock()
    paced = schedule(clock)
    paced.judge(0)
    clock.now_s = 0.39  # frames 1 to 3 became due at 0.24, 0.28, 0.32
    assert [paced.judge(index) for index in (1, 2, 3, 4, 5)] == ["late", "late", "late", "due", "early"]
    assert (paced.counts.shown, paced.counts.repeated, paced.counts.dropped) == (3, 3, 3)


def test_a_frame_that_was_overtaken_is_not_shown() -> None:
    paced = schedule(FakeClock())
    assert paced.judge(3) == "early"
    assert paced.judge(2) == "late"


def test_where_all_are_late_one_in_half_a_second_is_still_shown() -> None:
    clock = FakeClock()
    paced = schedule(clock)
    clock.now_s = 100.0
    verdicts = [paced.judge(index) for index in range(26)]
    assert [index for index, verdict in enumerate(verdicts) if verdict != "late"] == [12, 25]


def test_the_delay_moves_in_small_steps_and_stays_where_it_was_to_come_to() -> None:
    moving = ReleaseSchedule(clock=FakeClock(), delay_ms=100)
    moving.approach(100.6, most_ms=0.25)
    assert moving.delay_ms == 100.25
    for _ in range(5):
        moving.approach(100.6, most_ms=0.25)
    assert moving.delay_ms == pytest.approx(100.6)
    moving.approach(90, most_ms=0.25)
    assert moving.delay_ms == pytest.approx(100.35)
