"""The lookahead study: one preset with as much of the future as each row allows, everything else alike.

A window is 28 hops wherever it lies: what a row gives up of the future it gains of the past. Source: docs/results, "How much of
the future a mouth needs".
"""

from dataclasses import dataclass, replace

from realtime.errors import ConfigError
from realtime.generators.tcsan.config import TcsanConfig

PREFIX = "future:"


@dataclass(frozen=True, kw_only=True)
class Future:
    """Where the window lies, in hops, and the temporal network's lookahead in frames, None for all that its taps reach."""

    window_offset_hops: int
    lookahead: int | None


# By the future audio in all, in milliseconds: 10 (offset + 27) + 25 + 40 x lookahead.
FUTURES = {
    "5": Future(window_offset_hops=-29, lookahead=0),
    "35": Future(window_offset_hops=-26, lookahead=0),
    "75": Future(window_offset_hops=-22, lookahead=0),
    "115": Future(window_offset_hops=-22, lookahead=1),
    "155": Future(window_offset_hops=-22, lookahead=2),
    "unlimited": Future(window_offset_hops=-13, lookahead=None),
}
NAMES = tuple(PREFIX + name for name in FUTURES)


def with_future(text: str, preset: TcsanConfig) -> TcsanConfig:
    """`future:75` -> the preset with 75 ms of future audio.

    Raises ConfigError where there is no such row.
    """
    name = text.removeprefix(PREFIX)
    if name not in FUTURES:
        raise ConfigError(f"no row {text!r} of the lookahead study: one of {', '.join(NAMES)} was expected")
    future = FUTURES[name]
    return replace(preset, window_offset_hops=future.window_offset_hops, lookahead=future.lookahead)
