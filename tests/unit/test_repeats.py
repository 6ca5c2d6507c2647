"""Pictures are sent three times where packets are lost and there is room; once where there is no loss, no room, or a queue."""

import pytest

from server.line import Reading
from server.repeats import CALM_S, LOSSY, MOST_LOSS, MOST_QUEUED_MS, REGRET_S, ROOM, Repeats

SENT_BPS = 300_000


def line(*, loss: float = 0.02, room: float | None = 2 * ROOM, queued_ms: float = 5.0, sure: bool = True) -> Reading:
    """room: times what is sent."""
    capacity_bps = None if room is None else room * SENT_BPS
    return Reading(loss=loss, queued_ms=queued_ms, sent_bps=SENT_BPS, capacity_bps=capacity_bps, sure=sure)


def repeating() -> Repeats:
    repeats = Repeats()
    assert repeats.judge(line(), 0.0)
    return repeats


@pytest.mark.parametrize(
    "reading",
    [
        line(loss=LOSSY / 2),
        line(loss=1.1 * MOST_LOSS),
        line(room=0.9 * ROOM),
        line(room=None),
        line(sure=False),
        line(queued_ms=1.1 * MOST_QUEUED_MS),
    ],
)
def test_once_where_nothing_is_lost_or_the_line_may_be_full(reading: Reading) -> None:
    assert not Repeats().judge(reading, 0.0)


def test_it_goes_on_until_nothing_was_lost_for_a_while() -> None:
    repeats = repeating()
    assert repeats.judge(line(loss=0.0), CALM_S - 1)
    assert not repeats.judge(line(loss=0.0), CALM_S + 1)


def test_a_line_that_carries_them_need_not_look_fast_any_more() -> None:
    repeats = repeating()
    assert repeats.judge(line(room=0.5 * ROOM), 1.0)
    assert repeats.judge(line(sure=False), 2.0)


@pytest.mark.parametrize("reading", [line(loss=1.1 * MOST_LOSS), line(queued_ms=1.1 * MOST_QUEUED_MS)])
def test_what_was_too_much_is_not_tried_again_at_once(reading: Reading) -> None:
    repeats = repeating()
    assert not repeats.judge(reading, 1.0)
    assert not repeats.judge(line(), REGRET_S - 1)
    assert repeats.judge(line(), REGRET_S + 1)


def test_after_a_smaller_picture_it_begins_anew() -> None:
    repeats = repeating()
    repeats.rest()
    assert not repeats.judge(line(room=0.5 * ROOM), 1.0), "what the line carried before says nothing of now"


def test_a_line_of_which_too_little_is_known_is_asked_for_more() -> None:
    assert Repeats().asks_for_pairs(line(room=None), 0.0)
    assert Repeats().asks_for_pairs(line(sure=False), 0.0)
    assert not Repeats().asks_for_pairs(line(), 0.0)
    assert not Repeats().asks_for_pairs(line(room=None, loss=0.0), 0.0)
    assert not repeating().asks_for_pairs(line(room=None), 0.0)
