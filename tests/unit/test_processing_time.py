"""Time for drawing: little while there is time, more under load, and given back slowly."""

import pytest

from server.processing_time import GROWS_MS, SHRINKS_MS, ProcessingTime

LEAST, MOST = 25.0, 40.0


def after(
    seconds: int, *, calls: int, busy: float, lost_share: float = 0.0, begin: ProcessingTime | None = None
) -> ProcessingTime:
    processing = begin or ProcessingTime(LEAST, MOST)
    for _ in range(seconds):
        processing.note(calls=calls, busy=busy, lost_share=lost_share)
    return processing


@pytest.mark.parametrize(
    ("calls", "busy", "lost_share", "comes_to"),
    [
        (0, 0.9, 0.0, LEAST),
        (1, 0.9, 0.0, LEAST),  # it waits for nobody
        (2, 0.1, 0.0, LEAST),
        (4, 0.45, 0.0, (LEAST + MOST) / 2),
        (8, 0.8, 0.0, MOST),
        (1, 0.2, 0.05, MOST),
        (0, 0.2, 0.05, LEAST),
    ],
)
def test_it_follows_the_load(calls: int, busy: float, lost_share: float, comes_to: float) -> None:
    assert after(60, calls=calls, busy=busy, lost_share=lost_share).ms == pytest.approx(comes_to)


def test_it_grows_at_once_and_shrinks_slowly() -> None:
    processing = after(1, calls=8, busy=0.9)
    assert processing.ms == LEAST + GROWS_MS
    after(60, calls=8, busy=0.9, begin=processing)
    assert after(1, calls=1, busy=0.1, begin=processing).ms == MOST - SHRINKS_MS
    assert after(60, calls=1, busy=0.1, begin=processing).ms == LEAST
