"""The microphone's timeline under loss, DTX, jitter, stalls and drift, on a time that the tests make."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from server.ingest import BLOCK, BLOCK_S, SAMPLE_RATE_HZ, ClockedIngest

LOUD, SOFT = 1000, 10  # a loud packet is LOUD + its number all over, a soft one does not tell its number
SPOKEN, PAUSED = 100, 37  # packets: 2 s of speech, 0.74 s of pause


@dataclass(kw_only=True)
class Network:
    """When each packet of a sender arrives; None: never. drift: how much faster than ours the sender's clock runs."""

    seconds: float = 60
    delay_s: Callable[[int], float | None] = lambda _: 0.01
    drift: float = 0.0
    phase_s: float = 0.007  # of our readings, after the sender's packets
    pause: bool = True


@dataclass(kw_only=True)
class Heard:
    """Packet numbers as they were read, block by block (0: silence or soft), and each loud block's age in seconds."""

    numbers: list[int] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    ingest: ClockedIngest = field(default_factory=ClockedIngest)

    def age_s(self, from_s: float, to_s: float) -> float:
        """The largest age of what was read in a stretch."""
        return float(np.nanmax(self.ages_s[int(from_s / BLOCK_S) : int(to_s / BLOCK_S)]))


def call(network: Network) -> Heard:
    """A whole call: packets in, in order of arrival; readings on our own clock."""
    heard = Heard()
    for now_s, number in sorted(_events(network), key=lambda event: event[0]):
        if number is None:
            block = heard.ingest.read(now_s)
            found = max(0, int(block[0]) - LOUD)
            heard.numbers.append(found)
            spoken_s = found * BLOCK_S * (1 - network.drift)
            heard.ages_s.append(now_s - spoken_s if found else np.nan)
        else:
            heard.ingest.write(number * BLOCK, _packet(number, network.pause), now_s)
    return heard


def _events(network: Network) -> Iterator[tuple[float, int | None]]:
    for number in range(1, int(network.seconds / BLOCK_S)):
        delay_s = network.delay_s(number)
        if delay_s is not None:
            yield (number + 1) * BLOCK_S * (1 - network.drift) + delay_s, number
        yield number * BLOCK_S + network.phase_s, None


def _packet(number: int, pause: bool) -> NDArray[np.int16]:
    soft = pause and number % (SPOKEN + PAUSED) >= SPOKEN
    return np.full(BLOCK, SOFT if soft else LOUD + number, np.int16)


def test_an_even_network_costs_less_than_two_blocks_and_loses_nothing() -> None:
    heard = call(Network(pause=False))
    numbers = [number for number in heard.numbers if number]
    assert numbers == list(range(1, len(numbers) + 1))
    assert heard.age_s(1, 60) < 0.02 + 0.01 + 2 * BLOCK_S
    assert heard.ingest.missing_samples <= 2 * BLOCK
    assert heard.ingest.skips == heard.ingest.holds == heard.ingest.steps_back == 0


def test_nothing_came_yet_is_silence() -> None:
    assert not ClockedIngest().read(0.0).any()


@pytest.mark.parametrize("phase_s", [0.007, 0.015])  # the next packet comes after the lost one was due, and before it
def test_a_lost_packet_is_silence_in_its_place_and_no_delay(phase_s: float) -> None:
    heard = call(Network(seconds=10, phase_s=phase_s, delay_s=lambda n: None if n == 300 else 0.01, pause=False))
    at = heard.numbers.index(299)
    assert heard.numbers[at : at + 4] == [299, 0, 301, 302]
    assert heard.ages_s[at] == pytest.approx(heard.ages_s[at + 2])
    assert BLOCK <= heard.ingest.missing_samples <= 3 * BLOCK


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_loss_is_not_taken_for_jitter(share: float) -> None:
    chance = np.random.default_rng(1)
    heard = call(Network(delay_s=lambda _: None if chance.random() < share else 0.01))
    assert heard.age_s(40, 60) < 0.08
    assert heard.ingest.missing_ms == pytest.approx(60_000 * share, rel=0.3)


def test_a_pause_of_the_sender_keeps_the_timeline() -> None:
    heard = call(Network(delay_s=lambda n: None if 500 <= n < 1000 else 0.01, pause=False))
    before, after = heard.age_s(5, 9), heard.age_s(22, 30)
    assert after == pytest.approx(before, abs=1e-6)
    assert heard.ingest.steps_back == 0


def test_late_packets_are_heard_from_the_first_one_on() -> None:
    """60 ms more of network from one packet to the next: three blocks of silence, no lost sound."""
    heard = call(Network(seconds=20, delay_s=lambda n: 0.01 if n < 500 else 0.07, pause=False))
    at = heard.numbers.index(499)
    assert heard.numbers[at : at + 6].count(0) <= 3
    assert [n for n in heard.numbers[at:] if n][:50] == list(range(499, 549))
    assert heard.ingest.late_packets == 0


def test_the_delay_comes_down_again_in_the_pauses() -> None:
    heard = call(Network(delay_s=lambda n: 0.09 if 500 <= n < 600 else 0.01))
    assert heard.age_s(11, 12) > 0.1
    assert heard.age_s(30, 60) < 0.07
    assert heard.ingest.skips >= 3


def test_a_stall_of_a_second_does_not_stay() -> None:
    heard = call(Network(delay_s=lambda n: max(0.01, 11.0 - (n + 1) * BLOCK_S) if 500 <= n < 550 else 0.01))
    assert heard.age_s(11.5, 13) < 0.3
    assert heard.age_s(30, 60) < 0.07


def test_jitter_finds_its_delay_and_is_then_unheard() -> None:
    chance = np.random.default_rng(2)
    heard = call(Network(delay_s=lambda _: 0.01 + 0.03 * chance.random()))
    assert heard.age_s(20, 60) < 0.12
    assert heard.ingest.steps_back <= 2


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
@pytest.mark.parametrize("phase_s", [0.001, 0.012, 0.019])
def test_a_drifting_sound_card_costs_no_sound(drift: float, phase_s: float) -> None:
    """300 parts in a million: 0.2 s in ten minutes, taken up in the pauses, before anything comes late."""
    heard = call(Network(seconds=600, drift=drift, phase_s=phase_s))
    assert heard.ingest.steps_back == heard.ingest.late_packets == 0
    assert heard.age_s(1, 600) < 0.12
    assert heard.ingest.skips + heard.ingest.holds == pytest.approx(9, abs=2)
    numbers = [number for number in heard.numbers if number]
    assert numbers == [number for number in range(1, numbers[-1] + 1) if number % (SPOKEN + PAUSED) < SPOKEN]


def test_without_a_pause_it_is_done_all_the_same() -> None:
    heard = call(Network(delay_s=lambda n: 0.09 if 500 <= n < 600 else 0.01, pause=False))
    assert heard.age_s(45, 60) < 0.07


def test_another_timeline_starts_anew() -> None:
    ingest = ClockedIngest()
    ingest.write(0, np.full(BLOCK, 1, np.int16), 0.0)
    ingest.read(0.001)
    for start in (10**9, -(10**9)):
        ingest.write(start, np.full(BLOCK, 2, np.int16), 0.02)
        assert ingest.read(0.021)[0] in (0, 2)
        ingest.write(start + BLOCK, np.full(BLOCK, 3, np.int16), 0.04)
        assert ingest.read(0.041)[0] in (2, 3)


def test_packets_of_60_ms_are_read_whole() -> None:
    ingest, read = ClockedIngest(), []
    sound = np.arange(1, 10 * 3 * BLOCK + 1).astype(np.int16)
    for block in range(36):
        if block % 3 == 0 and block < 30:
            ingest.write(block * BLOCK, sound[block * BLOCK : (block + 3) * BLOCK], block * BLOCK_S)
        read.append(ingest.read(block * BLOCK_S + 0.01))
    joined = np.concatenate(read)
    first = int(np.flatnonzero(joined)[0])
    assert (joined[first : first + len(sound)] == sound).all()


def test_what_comes_too_late_by_far_is_given_up() -> None:
    ingest = ClockedIngest()
    ingest.write(0, np.ones(BLOCK, np.int16), 0.0)
    for block in range(50):
        ingest.read(block * BLOCK_S)
    ingest.write(BLOCK, np.ones(BLOCK, np.int16), 1.0)
    assert ingest.late_packets == 1
    assert SAMPLE_RATE_HZ == BLOCK / BLOCK_S


def test_a_copy_that_comes_far_too_late_moves_nothing() -> None:
    """Packets of 60 ms: what is recovered of a lost one comes with the next, of which only the end is still to be read."""
    ingest, read, long = ClockedIngest(), [], 3 * BLOCK
    for block in range(30):
        number, now_s = block // 3, block * BLOCK_S
        if block % 3 == 0 and number != 4:
            if number == 5:
                ingest.write(4 * long, np.full(long, 104, np.int16), now_s, recovered=True)
            ingest.write(number * long, np.full(long, 100 + number, np.int16), now_s)
        read.append(int(ingest.read(now_s + 0.01)[0]))
    first = read.index(100)
    assert read[first : first + 24] == [*np.repeat([100, 101, 102, 103], 3), 0, 0, 104, *np.repeat([105, 106, 107], 3)]
    assert ingest.steps_back == 0
    assert ingest.missing_samples == 2 * BLOCK


def test_it_says_what_of_a_block_had_come() -> None:
    ingest = ClockedIngest()
    ingest.write(0, np.ones(BLOCK + 100, np.int16), 0.0)
    known = []
    for block in range(3):
        ingest.read(block * BLOCK_S)
        known.append(ingest.known)
    assert sorted(known) == [100, BLOCK, BLOCK] or known == [BLOCK, 100, 0]


@pytest.mark.parametrize(("late_ones", "waits"), [(1, False), (2, True)])
def test_of_long_packets_one_in_two_seconds_may_come_too_late(late_ones: int, waits: bool) -> None:
    """Packets of 60 ms, one or two of thirty 60 ms later than the rest: the call does not wait for one, and does for two."""
    ingest, coming, waited_s = ClockedIngest(), [], []
    for number in range(300):
        late_s = 0.06 if number % 30 in range(10, 10 + 10 * late_ones, 10) else 0.0
        coming.append((0.06 * number + 0.011 + late_s, number))
    coming.sort()
    for block in range(3 * 300):
        while coming and coming[0][0] <= block * BLOCK_S:
            arrived_s, number = coming.pop(0)
            ingest.write(3 * BLOCK * number, np.full(3 * BLOCK, 1 + number, np.int16), arrived_s)
            waited_s.append(ingest.last_wait_s)
        ingest.read(block * BLOCK_S)
    assert (np.median(waited_s[-60:]) > 0.05) == waits
    assert (ingest.late_packets >= 5) != waits
