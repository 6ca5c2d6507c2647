"""Which speakers a network may learn from: always by speaker, because a known face and voice flatter."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from realtime.errors import ConfigError

GRID_HELD_OUT = ("s31", "ua", "s27")


class Spoken(Protocol):
    @property
    def speaker(self) -> str: ...


T = TypeVar("T", bound=Spoken)


def by_speaker(clips: Iterable[T], held_out: tuple[str, ...]) -> tuple[list[T], list[T]]:
    """Clips to learn from, clips to test on.

    Raises ConfigError where either would be empty.
    """
    clips = list(clips)
    learn = [clip for clip in clips if clip.speaker not in held_out]
    test = [clip for clip in clips if clip.speaker in held_out]
    if not learn or not test:
        raise ConfigError(f"holding out {', '.join(held_out)} leaves {len(learn)} clips to learn from and {len(test)} to test on")
    return learn, test
