"""Which clips a network may learn from. By speaker, because a known face and voice flatter; or as a paper divided a corpus."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from realtime.errors import ConfigError

log = logging.getLogger(__name__)

GRID_HELD_OUT = ("s31", "ua", "s27")

GRID_TEST = ("s11", "s15", "s19", "s23", "s27", "s31")
TCD_TIMIT_TEST = ("08F", "09F", "15F", "18M", "25M", "28M", "33F", "34M", "36F", "41M")
RAVDESS_TEST = tuple(f"Actor_{number:02}" for number in (3, 4, 5, 6))
CREMA_D_TEST = tuple(str(1000 + number) for number in (15, 20, 21, 30, 33, 52, 62, 81, 89))
MEAD_TEST_EVERY = 5
PAPER = "paper"  # in the place of speakers: the split that was published
LEFT_OUT_EVERY = 25  # of a speaker who has at least twice as many clips


class Spoken(Protocol):
    @property
    def speaker(self) -> str: ...


class Named(Spoken, Protocol):
    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Spoken)
N = TypeVar("N", bound=Named)


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


def grid(clips: Iterable[T]) -> tuple[list[T], list[T]]:
    """27 and 6 of GRID's 33 speakers (34 less `s21`, who has no video).

    Source: papers 1 and 2 (TCSAN; GRU with Audio2AU), section "Datasets", which give the numbers and no names. Chosen here: every
    fourth speaker from s11 to s31, so that `s27` and `s31`, whom the weights in this repository never heard, are among them.
    """
    return _as_published(clips, GRID_TEST, learn=27)


def tcd_timit(clips: Iterable[T]) -> tuple[list[T], list[T]]:
    """49 and 10 of TCD-TIMIT's 59 volunteers; the lipspeakers are in neither.

    Source: papers 1 and 2, as for GRID: numbers, no names. Chosen here: the first ten, by number, of the seventeen test
    volunteers of the corpus's own speaker-independent protocol (as the pyVSR toolkit lists them).
    """
    volunteers = [clip for clip in clips if not clip.speaker.startswith("Lipspkr")]
    return _as_published(volunteers, TCD_TIMIT_TEST, learn=49)


def ravdess(clips: Iterable[T]) -> tuple[list[T], list[T]]:
    """Test actors 3, 4, 5, 6 of 24.

    Source: paper 4 (landmark translation), Table 4.
    """
    return _as_published(clips, RAVDESS_TEST, learn=20)


def crema_d(clips: Iterable[T]) -> tuple[list[T], list[T]]:
    """Test subjects 15, 20, 21, 30, 33, 52, 62, 81, 89 of 91: actors 1015 and so on.

    Source: paper 4 (landmark translation), Table 4.
    """
    return _as_published(clips, CREMA_D_TEST, learn=82)


def mead(clips: Iterable[N]) -> tuple[list[N], list[N]]:
    """Eight of ten sentences to learn from, two to test on, of every speaker, emotion and level: both know all faces.

    Source: paper 3 (MSEF and AATU), section "Datasets and Setup": 8:2 and speaker-dependent, no names. Chosen here: sentences
    whose number divides by five are for the test, so that no sentence of an emotion is in both. `by_speaker` is the honest
    split; this one is for comparison with the paper.
    """
    clips = list(clips)
    test = [clip for clip in clips if int(clip.key.rsplit("_", 1)[1]) % MEAD_TEST_EVERY == 0]
    of_test = {clip.key for clip in test}
    learn = [clip for clip in clips if clip.key not in of_test]
    if not learn or not test:
        raise ConfigError(f"the paper's split leaves {len(learn)} clips to learn from and {len(test)} to test on")
    return learn, test


PAPER_SPLITS: dict[str, Callable[[Iterable[Any]], tuple[list[Any], list[Any]]]] = {
    "grid": grid,
    "tcd-timit": tcd_timit,
    "mead": mead,
    "ravdess": ravdess,
    "crema-d": crema_d,
}
"""By the corpus's name, as training/corpora/registry.py has it."""


def divide(clips: Iterable[N], corpus: str, held_out: str) -> tuple[list[N], list[N]]:
    """Clips to learn from and to test on. held_out: `paper` for the split that was published of this corpus, else speakers.

    Raises ConfigError as the splits do, and for a corpus of which none was published.
    """
    if held_out.strip() != PAPER:
        return by_speaker(clips, speakers_named(held_out))
    if corpus not in PAPER_SPLITS:
        raise ConfigError(f"no paper divided {corpus}: speakers to hold out were expected")
    return PAPER_SPLITS[corpus](clips)


def leave_out(clips: Iterable[N]) -> tuple[list[N], list[N]]:
    """Clips to learn from, and of each speaker who has many, every 25th in the keys' order: unseen clips of known speakers, the
    same ones in every run on the same corpus."""
    by_speaker: dict[str, list[N]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.key):
        by_speaker[clip.speaker].append(clip)
    many = (of_one for of_one in by_speaker.values() if len(of_one) >= 2 * LEFT_OUT_EVERY)
    left = {clip.key: clip for of_one in many for clip in of_one[LEFT_OUT_EVERY - 1 :: LEFT_OUT_EVERY]}
    learn = [clip for of_one in by_speaker.values() for clip in of_one if clip.key not in left]
    return learn, list(left.values())


def speakers_named(text: str) -> tuple[str, ...]:
    """`s31, ua` → ("s31", "ua")."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _as_published(clips: Iterable[T], held_out: Sequence[str], *, learn: int) -> tuple[list[T], list[T]]:
    """By speaker. Of a part of a corpus, those who are there are held out, and it is said that this is not the paper's split.

    Raises ConfigError where either list would be empty.
    """
    clips = list(clips)
    there = {clip.speaker for clip in clips}
    split = by_speaker(clips, tuple(speaker for speaker in held_out if speaker in there))
    counts = [len({clip.speaker for clip in part}) for part in split]
    if counts != [learn, len(held_out)]:
        log.warning(
            "not the paper's split: %d speakers to learn from and %d to test on of %d and %d", *counts, learn, len(held_out)
        )
    return split
