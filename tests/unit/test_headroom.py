"""Room for more calls, from what the present ones were measured to use."""

import math

import pytest

from server.headroom import LEAST_SHARE, SPAN_S, UNMEASURED_SHARE, Headroom, Load


def load(at_s: float, *, loop: float = 0.0, engine: float = 0.0, process: float = 0.0, calls: int = 0, lost: float = 0.0) -> Load:
    """After `at_s` seconds of a steady share of each; 25 pictures a second and call, some of them lost."""
    frames = 25 * calls * at_s
    return Load(
        at_s=at_s,
        process_s=process * at_s,
        loop_s=loop * at_s,
        engine_s=engine * at_s,
        sessions=calls,
        shown=frames * (1 - lost),
        lost=frames * lost,
    )


def measured(limit: float | None = 0.8, cores: float = 2.0, **shares: float) -> Headroom:
    headroom = Headroom(limit, cores)
    for second in range(10):
        headroom.note(load(float(second), **shares))  # type: ignore[arg-type]
    return headroom


@pytest.mark.parametrize(
    ("shares", "room"),
    [
        ({"loop": 0.2}, 3.0 * 2),
        ({"engine": 0.4}, 2.0),
        ({"process": 1.2}, 0.66),
        ({"loop": 0.2, "engine": 0.1, "process": 0.3}, 6.0),
    ],
)
def test_the_busiest_resource_counts(shares: dict[str, float], room: float) -> None:
    assert measured(calls=2, **shares).more(2) == pytest.approx(room, abs=0.02)


def test_calls_that_are_not_measured_yet_are_counted_as_those_that_are() -> None:
    assert measured(calls=2, loop=0.2).more(5) == pytest.approx(6 - 3, abs=0.01)


def test_many_at_once_on_an_idle_server_are_not_all_taken() -> None:
    idle = measured()
    assert idle.more(0) >= 1
    assert idle.more(3) == pytest.approx((0.8 - 3 * UNMEASURED_SHARE) / UNMEASURED_SHARE)
    assert idle.more(6) == 0


def test_lost_pictures_leave_no_room_whatever_the_reason() -> None:
    assert measured(calls=2, loop=0.1, lost=0.2).more(2) == 0
    assert measured(calls=2, loop=0.1, lost=0.05).more(2) > 0


def test_an_empty_server_takes_one_however_busy_the_machine_seems() -> None:
    assert measured(process=2.0).more(0) == 1


def test_what_is_not_asked_is_no_limit() -> None:
    assert math.isinf(measured(None, calls=5, loop=1.0).more(5))


def test_only_the_last_seconds_count() -> None:
    headroom = measured(calls=4, loop=0.9)
    now = load(9.0, loop=0.9, calls=4)
    for second in range(1, 2 + int(SPAN_S)):
        later = Load(
            at_s=9.0 + second, process_s=now.process_s, loop_s=now.loop_s, engine_s=now.engine_s, sessions=4, shown=0, lost=0
        )
        headroom.note(later)
    assert headroom.busy["loop"] == 0
    assert headroom.more(4) == pytest.approx(0.8 / LEAST_SHARE)
