"""How late pictures are, from their arrivals and the sender's reports alone."""

import pytest

from server.bench.lateness import WRAP, Arrival, Timeline

RATE_HZ = 90_000
STEP = 3600  # 40 ms
BEGAN_S = 1000.0


def timeline(late_ms: dict[int, float], first: int = 500) -> Timeline:
    """Frames by index, each so many ms late, of a stream whose media time 0 is RTP time `first` and wall clock BEGAN_S."""
    course = Timeline(rate_hz=RATE_HZ, most=1000)
    course.report(BEGAN_S, first % WRAP)
    for index, late in sorted(late_ms.items(), key=lambda pair: 40 * pair[0] + pair[1]):
        course.arrived(Arrival(at_s=BEGAN_S + 0.2 + 0.04 * index + late / 1000, timestamp=(first + STEP * index) % WRAP))
    return course


def late(course: Timeline, n: int) -> list[float]:
    """Of the first n frames, with 200 ms of delay that is meant."""
    from_s = BEGAN_S + 0.2 - 0.001
    return [round(float(ms), 3) for ms in course.lateness_ms(delay_ms=200, step_ms=40, from_s=from_s, to_s=from_s + 0.04 * n)]


def test_each_frame_is_as_late_as_it_came() -> None:
    assert late(timeline({0: 0, 1: 3, 2: 55, 3: 1}), 4) == [
        0,
        3,
        41,
        1,
    ]  # the third was overtaken: the fourth stands in its place


def test_a_frame_that_never_came_is_as_late_as_the_next_one() -> None:
    assert late(timeline({0: 0, 3: 5}), 4) == [0, 85, 45, 5]


def test_what_is_missing_at_the_end_counts() -> None:
    assert late(timeline({0: 0, 1: 0}), 4)[2:] == pytest.approx([79, 39])


@pytest.mark.parametrize("first", [WRAP - 2 * STEP, WRAP - 1, 2**31])
def test_rtp_time_may_begin_anywhere(first: int) -> None:
    assert late(timeline({0: 1, 1: 2, 2: 3, 3: 4}, first), 4) == [1, 2, 3, 4]


def test_without_a_report_nothing_is_known() -> None:
    course = Timeline(rate_hz=RATE_HZ, most=10)
    course.arrived(Arrival(at_s=1, timestamp=0))
    assert not len(course.lateness_ms(delay_ms=0, step_ms=40, from_s=0, to_s=10))
