"""How far a benchmark is, for whoever waits for it: on the standard error, so that tables can go to a file."""

import sys
import time

_began_s = time.monotonic()


def tell(what: str) -> None:
    """One line, with the time since the program began; on a terminal it takes the place of the one before."""
    seconds = int(time.monotonic() - _began_s)
    line = f"{seconds // 60:3d}:{seconds % 60:02d}  {what}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def done() -> None:
    """Nothing more is told: on a terminal the line goes."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
