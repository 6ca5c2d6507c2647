"""What a search through a corpus folder found: clips, and every video file that is left out, with the reason."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from realtime.errors import ConfigError
from training.corpora.clip import Clip

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mpg", ".mpeg", ".mkv", ".flv", ".avi", ".mov", ".webm", ".m4v")


class WrongFileError(ValueError):
    """A video file whose name or place is not the corpus's."""


class UnusedFileError(ValueError):
    """A file of the corpus that is of no use here: another camera, a song, a copy."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """expected: the corpus has such files, and they are never used; else the file is wrong or damaged."""

    path: Path
    reason: str
    expected: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """Clips by key, and what was left out."""

    clips: list[Clip]
    left_out: list[LeftOut] = field(default_factory=list)


def videos(root: Path) -> Iterator[Path]:
    """Every file under a folder whose suffix is a video's, in order."""
    return (path for path in sorted(root.rglob("*")) if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())


def sift(paths: Iterable[Path], read: Callable[[Path], Clip]) -> Found:
    """Clips that `read` makes of the files. It raises WrongFileError or UnusedFileError for what is none; of two files of one
    clip the first counts."""
    clips: dict[str, Clip] = {}
    left_out = []
    for path in paths:
        try:
            clip = read(path)
            if clip.key in clips:
                raise UnusedFileError(f"a second file of a clip that is there as {clips[clip.key].path.suffix}")
        except (WrongFileError, UnusedFileError) as error:
            left_out.append(LeftOut(path=path, reason=str(error), expected=isinstance(error, UnusedFileError)))
            continue
        clips[clip.key] = clip
    return Found(clips=[clips[key] for key in sorted(clips)], left_out=left_out)


def clips_of(found: Found, none: str) -> list[Clip]:
    """The clips. What is wrong is logged file by file, what is never used as a number a reason.

    Raises ConfigError, with the message `none`, where there are no clips.
    """
    for item in found.left_out:
        if not item.expected:
            log.warning("left out %s: %s", item.path, item.reason)
    for reason, count in Counter(item.reason for item in found.left_out if item.expected).items():
        log.info("not used, %d: %s", count, reason)
    if not found.clips:
        raise ConfigError(none)
    return found.clips
