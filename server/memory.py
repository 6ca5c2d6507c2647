"""What ended calls leave behind in memory, freed and given back to the system: by itself some 150 MB of it stay with the process.

Two things keep it. A call's connection is a circle of objects, which only Python's collector finds, and that looks seldom: some
thirty calls, of 3 MB each and more, wait for it. And what is freed in between calls that go on stays with glibc, for each of the
threads apart.
"""

import ctypes
import gc
import logging
from functools import cache
from typing import Any

log = logging.getLogger(__name__)

GIVE_BACK_S = 10.0  # at most so often


def set_aside() -> None:
    """What lives now stays as long as the process, and the collector need not look at it again: from 60 ms down to 5. Once, when
    a server is ready, or a benchmark begins."""
    gc.collect()
    gc.freeze()


def collect() -> None:
    """Frees the circles of calls that have ended: 2 to 5 ms for each."""
    gc.collect()


def give_back() -> None:
    """Returns what is free to the system, where that is glibc's to do. 1 or 2 ms; other threads may wait for it."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Any:
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # musl, another system
        log.info("free memory stays with the process: this system has no malloc_trim")
        return None
