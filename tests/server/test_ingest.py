"""The microphone's timeline under loss, DTX, jitter and drift; no clock but the calls themselves."""

import numpy as np

from server.ingest import ClockedIngest

BLOCK = 960


def tone(start: int, n: int = BLOCK) -> np.ndarray:
    """Samples that tell their own position."""
    return (np.arange(start, start + n) % 30_000 + 1).astype(np.int16)


def test_what_is_written_is_read_in_order_one_target_later() -> None:
    ingest = ClockedIngest()
    read = []
    for i in range(20):
        ingest.write(i * BLOCK, tone(i * BLOCK))
        read.append(ingest.read())
    sound = np.concatenate(read)
    assert (sound[:BLOCK] == 0).all()
    assert (sound[BLOCK:] == tone(0, 19 * BLOCK)).all()
    assert ingest.missing_samples == 0


def test_nothing_came_yet_is_silence() -> None:
    assert (ClockedIngest().read() == 0).all()


def test_a_lost_packet_is_silence_in_its_place() -> None:
    ingest = ClockedIngest()
    read = []
    for i in range(20):
        if i != 7:
            ingest.write(i * BLOCK, tone(i * BLOCK))
        read.append(ingest.read())
    sound = np.concatenate(read)[BLOCK:]
    assert (sound[7 * BLOCK : 8 * BLOCK] == 0).all()
    assert (sound[8 * BLOCK :] == tone(8 * BLOCK, 11 * BLOCK)).all()


def test_a_pause_of_the_sender_keeps_the_timeline() -> None:
    ingest = ClockedIngest()
    for i in range(10):
        ingest.write(i * BLOCK, tone(i * BLOCK))
        ingest.read()
    for _ in range(40):  # 0.8 s of DTX
        ingest.read()
    read = []
    for i in range(50, 60):
        ingest.write(i * BLOCK, tone(i * BLOCK))
        read.append(ingest.read())
    assert (np.concatenate(read)[BLOCK:] == tone(50 * BLOCK, 9 * BLOCK)).all()


def test_a_burst_does_not_leave_a_standing_delay() -> None:
    ingest = ClockedIngest()
    for i in range(15):  # 300 ms at once, after a stall
        ingest.write(i * BLOCK, tone(i * BLOCK))
    for i in range(15, 600):
        ingest.write(i * BLOCK, tone(i * BLOCK))
        ingest.read()
    assert ingest.skips >= 1
    last = ingest.read()
    assert int(last[0]) >= int(tone(598 * BLOCK, 1)[0])


def test_always_late_packets_move_the_reader_back_once() -> None:
    ingest = ClockedIngest()
    ingest.write(0, tone(0))
    for _ in range(4):
        ingest.read()
    for i in range(1, 400):  # every packet comes 60 ms after its time
        ingest.write(i * BLOCK, tone(i * BLOCK))
        ingest.read()
    assert ingest.holds >= 1
    missing = ingest.missing_samples
    for i in range(400, 450):
        ingest.write(i * BLOCK, tone(i * BLOCK))
        assert (ingest.read() != 0).all()
    assert ingest.missing_samples == missing


def test_another_timeline_starts_anew() -> None:
    ingest = ClockedIngest()
    ingest.write(0, tone(0))
    ingest.read()
    far = 10**9
    ingest.write(far, tone(far))
    ingest.read()
    assert (ingest.read() == tone(far)).all()


def test_a_packet_after_its_time_is_counted_and_left_out() -> None:
    ingest = ClockedIngest()
    ingest.write(0, tone(0))
    for _ in range(5):
        ingest.read()
    ingest.write(0, tone(0))
    assert ingest.late_packets == 1
