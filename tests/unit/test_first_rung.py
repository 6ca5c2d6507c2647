"""Where a call begins: with pictures at once on a line that answers quickly; else where the first packet pair says."""

import pytest

from server.first_rung import OPENED_S, SLOW_HANDSHAKE_S, TOLD_S, FirstRung
from server.ladder import Rung

ALL = tuple(Rung)


@pytest.mark.parametrize("handshake_s", [None, 0.0, 0.9 * SLOW_HANDSHAKE_S])
def test_a_quick_line_and_a_client_without_a_channel_are_not_waited_for(handshake_s: float | None) -> None:
    first = FirstRung()
    first.begin(handshake_s, 0.0)
    first.opened(0.1)
    assert not first.is_awaited
    assert first.judge(32_000, ALL, 0.2) is None


@pytest.mark.parametrize(
    ("kbps", "rung"), [(32, Rung.MOTION), (100, Rung.MOTION), (130, Rung.SLOW), (256, Rung.HALF), (1000, Rung.FULL)]
)
def test_a_packet_pair_tells_where_to_begin(kbps: int, rung: Rung) -> None:
    first = FirstRung()
    first.begin(0.7, 0.0)
    assert first.judge(None, ALL, 0.1) is None
    first.opened(0.5)
    assert first.judge(1000 * kbps, ALL, 0.6) == rung
    assert not first.is_awaited
    assert first.judge(1000 * kbps, ALL, 0.7) is None, "once: from then on it is the ladder's"


def test_of_the_rungs_that_there_are() -> None:
    for kbps, rungs, rung in [(32, (Rung.FULL, Rung.SLOW, Rung.VOICE), Rung.VOICE), (32, (Rung.FULL,), Rung.FULL)]:
        first = FirstRung()
        first.begin(0.7, 0.0)
        assert first.judge(1000 * kbps, rungs, 0.1) == rung


def test_who_answers_no_pair_gets_the_least_pictures_after_a_while() -> None:
    for opened_s, late_s in [(1.0, 1.0 + TOLD_S), (None, OPENED_S)]:
        first = FirstRung()
        first.begin(0.7, 0.0)
        if opened_s is not None:
            first.opened(opened_s)
        assert first.judge(None, ALL, late_s - 0.01) is None
        assert first.judge(None, ALL, late_s) == Rung.SLOW
