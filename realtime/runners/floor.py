"""The least time that a step could take: its arithmetic or its bytes, at speeds measured there and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Floor:
    """flops: of one session's step, convolutions and matrix products (LSTMs are left out); weight_bytes: read once a step;
    session_bytes: read and written for each session; the device's measured speeds."""

    flops: int
    weight_bytes: int
    session_bytes: int
    flops_per_s: float
    bytes_per_s: float

    def ms(self, batch: int) -> float:
        """Milliseconds of a step that nothing but arithmetic or memory holds up, whichever is slower."""
        arithmetic = batch * self.flops / self.flops_per_s
        memory = (self.weight_bytes + batch * self.session_bytes) / self.bytes_per_s
        return 1000 * max(arithmetic, memory)


def fastest_s(work: Callable[[], object], repeats: int, wait: Callable[[], object] = lambda: None) -> float:
    """Seconds of the fastest of some calls, `wait` for the device included."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - started)
    return min(times)
