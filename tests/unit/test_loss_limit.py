"""What loss allows the pictures' rate: down where it is heavy, as it is in between, up again where there is none."""

import pytest

from server.encoders import MAX_VIDEO_BPS
from server.loss_limit import GROWTH, LEAST_BPS, LEAST_PACKETS, UNUSED, LossLimit

SENT_BPS = 400_000
PACKETS = 50  # a second


class Receiver:
    """Reports each second, of pictures that take SENT_BPS."""

    def __init__(self, limit: LossLimit) -> None:
        self.limit, self.seconds, self.highest = limit, 0, 0
        self.lose(0.0)

    def lose(self, loss: float, *, packets: int = PACKETS, bps: int = SENT_BPS) -> float | None:
        self.seconds += 1
        self.highest += packets
        self.limit.report(float(self.seconds), loss=loss, highest=self.highest, sent_bytes=self.seconds * bps // 8)
        return self.limit.bps


def test_nothing_limits_a_line_that_loses_little() -> None:
    receiver = Receiver(LossLimit())
    assert [receiver.lose(loss) for loss in (0.0, 0.02, 0.09, 0.0)] == [None] * 4


def test_heavy_loss_cuts_by_half_of_itself_from_what_was_sent() -> None:
    receiver = Receiver(LossLimit())
    first = receiver.lose(0.2)
    assert first == pytest.approx(0.9 * UNUSED * SENT_BPS)
    assert receiver.lose(0.4) == pytest.approx(0.8 * 0.9 * UNUSED * SENT_BPS)


def test_it_stands_between_and_grows_where_nothing_is_lost_until_nothing_limits() -> None:
    receiver = Receiver(LossLimit())
    cut = receiver.lose(0.2)
    assert cut is not None
    assert receiver.lose(0.05) == cut
    assert receiver.lose(0.01) == pytest.approx(GROWTH * cut)
    grown = [receiver.lose(0.0) for _ in range(40)]
    assert grown[-1] is None
    assert max(bps for bps in grown if bps is not None) < MAX_VIDEO_BPS


def test_it_never_falls_below_what_pictures_need() -> None:
    receiver = Receiver(LossLimit())
    assert [receiver.lose(1.0) for _ in range(10)][-1] == LEAST_BPS


def test_one_lost_packet_of_few_is_not_heavy_loss() -> None:
    receiver, few = Receiver(LossLimit()), LEAST_PACKETS // 4
    seen = [receiver.lose(loss, packets=few) for loss in (1 / few, 0.0, 0.0, 0.0, 1 / few, 0.0, 0.0, 0.0)]
    assert seen == [None] * 8, "one in twenty"


def test_a_receiver_that_begins_anew_is_not_judged_by_its_last_numbers() -> None:
    limit = LossLimit()
    limit.report(1.0, loss=0.0, highest=70_000, sent_bytes=0)
    limit.report(2.0, loss=1.0, highest=3, sent_bytes=50_000)
    assert limit.bps is None
    limit.report(3.0, loss=0.5, highest=53, sent_bytes=100_000)
    assert limit.bps == pytest.approx(0.75 * UNUSED * 400_000)


def test_a_pause_is_no_low_rate() -> None:
    receiver = Receiver(LossLimit())
    receiver.lose(0.0)
    sent_bytes, since_s = receiver.seconds * SENT_BPS // 8, receiver.seconds
    for second in range(60):
        receiver.limit.report(since_s + second, loss=0.0, highest=receiver.highest, sent_bytes=sent_bytes)
    receiver.limit.report(since_s + 60, loss=0.5, highest=receiver.highest + PACKETS, sent_bytes=sent_bytes + SENT_BPS // 8)
    assert receiver.limit.bps == pytest.approx(0.75 * UNUSED * SENT_BPS)
