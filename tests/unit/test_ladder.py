"""The ladder: down where the line asks for it, up where there was room for a while, and not to and fro."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from server.ladder import RUNGS, Ladder, Mode, Rung
from server.line import Line, Reading

STEP_S = 0.5
GOOD = Reading(estimate_bps=600_000)
QUIET = Reading()  # nothing is known


def climb(ladder: Ladder, reading: Reading, seconds: float, mode: Mode = Mode.AUTO, from_s: float = 0.0) -> list[Rung]:
    """The rung at each look."""
    return [ladder.judge(reading, RUNGS[mode], from_s + STEP_S * look) for look in range(round(seconds / STEP_S))]


def changes(rungs: Iterable[Rung]) -> list[Rung]:
    """Each rung once, where it begins."""
    found: list[Rung] = []
    for rung in rungs:
        if not found or found[-1] != rung:
            found.append(rung)
    return found


def test_where_nothing_is_known_nothing_moves() -> None:
    assert set(climb(Ladder(), QUIET, 60)) == {Rung.FULL}


def test_one_of_whom_nothing_is_heard_soon_gets_the_voice_alone() -> None:
    ladder = Ladder()
    rungs = [ladder.judge(Reading(silent_s=s / 2), RUNGS[Mode.AUTO], s / 2) for s in range(12)]
    assert changes(rungs)[:2] == [Rung.FULL, Rung.SLOW]
    assert rungs.index(Rung.SLOW) == 3
    assert rungs[7] > Rung.SLOW
    assert rungs[-1] == Rung.VOICE
    assert changes(climb(ladder, GOOD, 5, from_s=6)) == [Rung.VOICE, Rung.MOTION], "and one who is heard then climbs"


def test_a_lost_ping_takes_no_motion_away() -> None:
    for rung in (Rung.SLOW, Rung.MOTION):
        ladder = Ladder(rung=rung)
        assert ladder.judge(Reading(silent_s=2.5), RUNGS[Mode.AUTO], 0) == rung
        assert ladder.judge(Reading(silent_s=3.5), RUNGS[Mode.AUTO], 1) == Rung.VOICE


def test_one_pair_alone_is_not_climbed_by() -> None:
    """A page that had too much to do takes both halves at once: the line looks infinitely wide."""
    one, more = (Reading(capacity_bps=3e7, sure=sure) for sure in (False, True))
    assert set(climb(Ladder(rung=Rung.MOTION), one, 60)) == {Rung.MOTION}
    assert climb(Ladder(rung=Rung.MOTION), more, 20)[-1] < Rung.MOTION


def test_what_pairs_tell_of_is_for_the_voice_as_well() -> None:
    """A line of 128 kbit/s would take the pictures of `half`, 113, and not the voice beside them, 45."""
    ladder = Ladder(rung=Rung.SLOW)
    assert set(climb(ladder, Reading(capacity_bps=128_000, estimate_bps=500_000, sent_bps=40_000), 60)) == {Rung.SLOW}
    assert climb(ladder, Reading(capacity_bps=170_000, estimate_bps=500_000, sent_bps=40_000), 60)[-1] == Rung.HALF


@pytest.mark.parametrize(
    ("gaps_ms", "sure"),
    [
        ([], True),
        ([22], False),
        ([22, 22], False),
        ([22, 22, 22], True),
        ([22, 0.1, 0.1], False),
        ([22, 22, 0.1, 3, 0.1, 0.1], True),
    ],
)
def test_pairs_are_believed_where_three_agree(gaps_ms: list[float], sure: bool) -> None:
    line = Line(since_s=0)
    for gap_ms in gaps_ms:
        line.pair(gap_ms, 380)
    assert line.reading(1).sure is sure


def test_pairs_that_tell_of_too_little_keep_it_from_a_vain_try() -> None:
    """256 kbit/s, half the side: the estimate was not reached, and says nothing."""
    still = Reading(estimate_bps=400_000, sent_bps=100_000.0)
    assert set(climb(Ladder(rung=Rung.HALF), replace(still, capacity_bps=256_000), 60)) == {Rung.HALF}
    assert climb(Ladder(rung=Rung.HALF), replace(still, capacity_bps=1_000_000), 20)[-1] == Rung.FULL


def test_a_blocked_line_is_left_at_once_unless_an_estimate_says_what_it_takes() -> None:
    assert climb(Ladder(), Reading(loss=0.7), 1)[0] == Rung.MOTION
    assert climb(Ladder(), Reading(loss=0.7, estimate_bps=100_000), 1)[0] == Rung.HALF


def test_a_client_that_estimates_nothing_climbs_as_well() -> None:
    rungs = climb(Ladder(rung=Rung.SLOW), QUIET, 25)
    assert changes(rungs) == [Rung.SLOW, Rung.HALF, Rung.FULL]
    assert rungs.index(Rung.HALF) * STEP_S == 10


def test_an_estimate_finds_its_rung() -> None:
    for bps, rung in [(119_000, Rung.HALF), (59_000, Rung.SLOW), (31_000, Rung.SLOW), (29_000, Rung.MOTION)]:
        ladder = Ladder()
        rungs = climb(ladder, Reading(estimate_bps=bps), 8)
        assert rungs[-1] == rung
        assert rungs[0] == min(rung, Rung.SLOW), "pictures are made smaller at once, given up after a moment"


@pytest.mark.parametrize("jam", [Reading(loss=0.2), Reading(queued_ms=300)])
def test_a_jam_costs_one_rung_after_the_other_and_a_moment_of_it_none(jam: Reading) -> None:
    ladder = Ladder()
    assert set(climb(ladder, jam, 1.5)) == {Rung.FULL}
    assert set(climb(ladder, GOOD, 2, from_s=1.5)) == {Rung.FULL}
    rungs = climb(ladder, jam, 30, from_s=10)
    assert changes(rungs) == [Rung.FULL, Rung.HALF, Rung.SLOW, Rung.MOTION]
    assert changes(climb(ladder, Reading(loss=0.4), 10, from_s=40)) == [Rung.MOTION, Rung.VOICE]


def test_it_climbs_one_rung_at_a_time_after_a_while_of_room() -> None:
    ladder = Ladder(rung=Rung.SLOW)
    rungs = climb(ladder, GOOD, 20)
    assert changes(rungs) == [Rung.SLOW, Rung.HALF, Rung.FULL]
    assert rungs.index(Rung.HALF) * STEP_S == 5
    assert rungs.index(Rung.FULL) * STEP_S > 10


def test_an_estimate_that_wavers_moves_nothing() -> None:
    ladder, at_s = Ladder(rung=Rung.HALF), 0.0
    for bps in [80_000, 190_000, 110_000, 199_000, 205_000, 198_000] * 20:
        at_s += STEP_S
        assert ladder.judge(Reading(estimate_bps=bps), RUNGS[Mode.AUTO], at_s) == Rung.HALF


def test_one_who_gets_no_pictures_gets_them_again_where_pairs_tell_of_room() -> None:
    narrow, wide = Reading(capacity_bps=60_000), Reading(capacity_bps=400_000)
    ladder = Ladder(rung=Rung.MOTION)
    assert set(climb(ladder, narrow, 300)) == {Rung.MOTION}
    rungs = climb(ladder, wide, 11, from_s=300)
    assert changes(rungs) == [Rung.MOTION, Rung.SLOW]
    assert rungs.index(Rung.SLOW) * STEP_S == 10


def test_pairs_that_tell_of_a_wide_line_outweigh_a_busy_browser_s_estimate() -> None:
    busy = Reading(estimate_bps=50_000, capacity_bps=2e6)
    assert set(climb(Ladder(), busy, 60)) == {Rung.FULL}
    rungs = climb(Ladder(rung=Rung.SLOW), busy, 30)
    assert changes(rungs) == [Rung.SLOW, Rung.HALF, Rung.FULL]
    assert rungs.index(Rung.HALF) * STEP_S == 10
    narrow = Reading(estimate_bps=50_000, capacity_bps=150_000)
    assert set(climb(Ladder(rung=Rung.SLOW), narrow, 60)) == {Rung.SLOW}
    assert climb(Ladder(), narrow, 5)[-1] == Rung.SLOW


def test_loss_keeps_it_down() -> None:
    assert set(climb(Ladder(rung=Rung.MOTION), Reading(loss=0.07, capacity_bps=1e6), 200)) == {Rung.MOTION}


def tries(ladder: Ladder, world: Callable[[Rung], Reading], seconds: float) -> list[float]:
    """When it climbed to pictures, in a world that answers the rung."""
    climbed, before = [], ladder.rung
    for look in range(round(seconds / STEP_S)):
        rung = ladder.judge(world(before), RUNGS[Mode.AUTO], STEP_S * look)
        if rung < before:
            climbed.append(STEP_S * look)
        before = rung
    return climbed


def test_vain_tries_become_rare() -> None:
    """A line that looks calm without pictures and jams with them, and a client that answers no pairs."""
    at_s = tries(Ladder(rung=Rung.MOTION), lambda rung: Reading(queued_ms=400 if rung < Rung.MOTION else 0), 600)
    waits = [later - earlier for earlier, later in pairwise(at_s)]
    assert len(at_s) <= 6
    assert waits == sorted(waits)
    assert waits[-1] >= 160


def test_a_line_that_mends_is_trusted_again() -> None:
    ladder = Ladder(rung=Rung.MOTION)
    tries(ladder, lambda rung: Reading(queued_ms=400 if rung < Rung.MOTION else 0), 300)
    rungs = climb(ladder, GOOD, 300, from_s=300)
    assert rungs[-1] == Rung.FULL
    climb(ladder, Reading(estimate_bps=20_000), 8, from_s=600)
    assert ladder.rung == Rung.MOTION
    assert climb(ladder, QUIET, 10.5, from_s=610)[-1] == Rung.SLOW


@pytest.mark.parametrize(("mode", "rungs"), [(Mode.VIDEO, {Rung.SLOW}), (Mode.MOTION, {Rung.MOTION}), (Mode.VOICE, {Rung.VOICE})])
def test_a_listener_s_own_choice_holds_whatever_the_line_says(mode: Mode, rungs: set[Rung]) -> None:
    ladder = Ladder()
    ladder.judge(QUIET, RUNGS[mode], 0)
    climb(ladder, Reading(loss=0.5, queued_ms=900, estimate_bps=10_000), 30, mode)
    assert set(climb(ladder, Reading(loss=0.5), 30, mode, from_s=30)) == rungs
    assert set(climb(ladder, Reading(loss=0), 4, mode, from_s=60)) == rungs


def test_a_rung_that_is_not_there_is_passed_over() -> None:
    ladder = Ladder()
    small = [Rung.FULL, Rung.SLOW, Rung.VOICE]
    assert ladder.judge(Reading(estimate_bps=100_000), small, 0) == Rung.SLOW
    for look in range(20):
        ladder.judge(Reading(estimate_bps=20_000), small, STEP_S * look)
    assert ladder.rung == Rung.VOICE


def test_what_is_known_of_a_line_grows_old() -> None:
    line = Line(since_s=0)
    line.hear(2)
    assert line.reading(2) == Reading()
    line.report(11, loss=0.3)
    assert line.reading(11) == Reading(loss=0.3)
    line.estimate(11, 200_000)
    line.tell(11.5, loss=0.3, round_trip_ms=80)
    line.tell(12, loss=0.1, round_trip_ms=380)
    assert line.reading(12) == Reading(loss=0.1, queued_ms=300, estimate_bps=200_000), "the client knows best"
    assert line.reading(15.5).estimate_bps is None
    assert line.reading(17).loss == 0
    line.tell(90, loss=None, round_trip_ms=380)
    assert line.reading(90) == Reading(), "the shortest round trip of a minute is the line's own"


def test_silence_tells_of_one_who_never_spoke_or_who_spoke_every_second() -> None:
    line = Line(since_s=0)
    assert line.reading(2).silent_s == 2
    line.hear(2)
    assert line.reading(30).silent_s == 0, "one who reports now and then"
    line.tell(30, loss=0, round_trip_ms=None)
    assert line.reading(31.5).silent_s == 0
    assert line.reading(34).silent_s == 2.5


def test_packet_pairs_tell_how_fast_a_line_is() -> None:
    line = Line(since_s=0)
    for gap_ms in (95, 0, 96, 94, 40):
        line.pair(gap_ms, 380)
    assert line.reading(0).capacity_bps == pytest.approx(32_000, rel=0.02)
    line.forget_pairs()
    line.pair(0, 380)
    line.hear(0)
    assert (line.reading(0).capacity_bps or 0) > 1e6


def test_an_estimate_of_still_pictures_is_not_the_lines() -> None:
    """A face that is silent takes 35 kbit/s; aiortc then estimates one and a half times that and 10 kbit/s, over any line."""
    still = Reading(estimate_bps=62_500, sent_bps=35_000)
    assert climb(Ladder(), still, 60)[-1] == Rung.FULL
    assert climb(Ladder(), replace(still, sent_bps=60_000), 60)[-1] > Rung.FULL
    fallen = Ladder(rung=Rung.SLOW)
    assert climb(fallen, still, 60)[-1] < Rung.SLOW


def test_what_is_sent_is_a_mean_of_seconds_and_forgotten_with_the_estimate() -> None:
    line = Line(since_s=0)
    for second in range(20):
        line.send(second, 5_000 * second)
    line.estimate(19, 60_000)
    assert line.reading(19).sent_bps == pytest.approx(40_000)
    assert line.reading(19).limit_bps is None
    line.send(20, 100_000 + 20_000)
    assert 40_000 < (line.reading(20).sent_bps or 0) < 200_000
    line.forget_estimate()
    assert line.reading(20).sent_bps is None
