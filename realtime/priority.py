"""Threads that draw step back behind the one that speaks: where a processor is short, pictures are lost and sound is not."""

import contextlib
import os
import threading

NICER = 2  # two thirds of an ordinary thread's share, where all want to run


def yield_to_sound() -> None:
    """Lowers the calling thread's priority. Nothing where the system cannot do that for one thread."""
    with contextlib.suppress(AttributeError, OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICER))
