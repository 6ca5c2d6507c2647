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

    Raises ConfigError where a speaker who is to be held out has no clip (a misspelt one would be learnt from), or where either
    list would be empty.
    """
    clips = list(clips)
    speakers = sorted({clip.speaker for clip in clips})
    if unknown := [speaker for speaker in held_out if speaker not in speakers]:
        raise ConfigError(f"holding out {', '.join(unknown)}: no such speaker, there are {', '.join(speakers)}")
    learn = [clip for clip in clips if clip.speaker not in held_out]
    test = [clip for clip in clips if clip.speaker in held_out]
    if not learn or not test:
        named = ", ".join(held_out) or "nobody"
        raise ConfigError(f"holding out {named} leaves {len(learn)} clips to learn from and {len(test)} to test on")
    return learn, test


def speakers_named(text: str) -> tuple[str, ...]:
    """`s31, ua` → ("s31", "ua")."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
