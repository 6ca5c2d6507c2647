"""The beat on which a microphone is read: moved once to where its packets come, wherever that is."""

import numpy as np
import pytest

from server.ingest import BLOCK, BLOCK_S, SAMPLE_RATE_HZ, TARGET_S, ClockedIngest
from server.packet_phase import MAX_SHIFT_S, PACKETS, PacketPhase

RTP_START = 4_000_000


def waits_ms(first_s: float, jitter_s: float = 0.0, seed: int = 1) -> tuple[list[float], ClockedIngest]:
    """Each packet's wait in a call whose clock begins at 0 and whose first packet comes at `first_s`."""
    chance = np.random.default_rng(seed)
    arrivals = [first_s + index * BLOCK_S + jitter_s * chance.random() for index in range(200)]
    ingest, phase, waits, anchor_s, n_read = ClockedIngest(), PacketPhase(), [], 0.0, 0
    for index, now_s in enumerate(arrivals):
        while anchor_s + (n_read + 1) * BLOCK_S <= now_s:
            n_read += 1
            ingest.read(anchor_s + n_read * BLOCK_S)
        start, due_s = RTP_START + index * BLOCK, anchor_s + (n_read + 1) * BLOCK_S
        if (reading_s := phase.reading_s(start, now_s, due_s)) is not None:
            assert index == PACKETS - 1, "the beat moves once"
            anchor_s += reading_s - due_s
            ingest.read_next(start, reading_s)
        ingest.write(start, np.full(BLOCK, 1 + index, np.int16), now_s)
        waits.append(1000 * ingest.last_wait_s)
    return waits[PACKETS - 1 :], ingest


@pytest.mark.parametrize("first_s", [0.0, 0.003, 0.0101, 0.0127, 0.0199, 0.033])
def test_every_packet_is_read_soon_after_it_comes(first_s: float) -> None:
    waits, ingest = waits_ms(first_s)
    assert waits == pytest.approx([1000 * TARGET_S] * len(waits), abs=1e-3)
    assert ingest.steps_back == ingest.holds == ingest.skips == ingest.late_packets == 0


def test_a_first_packet_that_waited_for_the_connection_does_not_count() -> None:
    phase = PacketPhase()
    arrivals_s = [0.03, 0.041, 0.061, 0.081]
    answers = [phase.reading_s(index * BLOCK, now_s, now_s + 0.01) for index, now_s in enumerate(arrivals_s)]
    assert answers[-1] == pytest.approx(arrivals_s[-1] + TARGET_S)


@pytest.mark.parametrize("seed", range(5))
def test_uneven_packets_are_read_after_the_latest_of_the_first_ones(seed: int) -> None:
    waits, ingest = waits_ms(0.0127, jitter_s=0.004, seed=seed)
    assert 0 < min(waits) <= max(waits) < 1000 * (TARGET_S + 0.005)
    assert ingest.steps_back == ingest.late_packets == 0


def test_a_network_without_any_beat_is_left_alone() -> None:
    phase = PacketPhase()
    for index in range(PACKETS - 1):
        assert phase.reading_s(index * BLOCK, 0.1 + index * BLOCK_S, 0.11) is None
    late_s = 0.1 + (PACKETS - 1) * BLOCK_S + 2 * MAX_SHIFT_S
    assert phase.reading_s((PACKETS - 1) * BLOCK, late_s, late_s - 2 * MAX_SHIFT_S) is None


def test_packets_of_60_ms_have_the_same_beat() -> None:
    phase, length_s = PacketPhase(), 3 * BLOCK_S
    answers = [phase.reading_s(3 * index * BLOCK, 0.005 + index * length_s, 0.01 + index * length_s) for index in range(6)]
    assert answers[: PACKETS - 1] == [None] * (PACKETS - 1)
    assert answers[PACKETS - 1] == pytest.approx(0.005 + (PACKETS - 1) * length_s + TARGET_S)
    assert SAMPLE_RATE_HZ * BLOCK_S == BLOCK
