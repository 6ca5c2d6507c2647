"""One injected monotonic clock stamps everything, so that tests can run on a fake one."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back; only differences mean anything."""

    def now(self) -> float: ...


class MonotonicClock:
    """The operating system's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()
