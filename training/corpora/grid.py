"""The GRID audiovisual sentence corpus: 25 fps, 3 s a clip, one folder a speaker.

Source: M. Cooke, J. Barker, S. Cunningham, X. Shao, *An audio-visual corpus for speech perception and automatic speech
recognition*, JASA 120(5), 2006; CC BY 4.0 (Zenodo record 3625687). The originals are `SPEAKER/CODE.mpg` (MPEG-1 video, MP2
sound, sometimes in a folder `video`); Matroska copies are read as well. Word times, where present, are
`SPEAKER/align/CODE.align`.
"""

import logging
from pathlib import Path

from training.corpora.clip import Clip, Times
from training.corpora.found import Found, WrongFileError, clips_of, sift, videos

log = logging.getLogger(__name__)

NAME = "GRID audiovisual sentence corpus (Cooke, Barker, Cunningham, Shao, JASA 120(5), 2006; Zenodo record 3625687)"
LICENCE = "CC BY 4.0"
ATTRIBUTION = (
    "Learnt from the GRID audiovisual sentence corpus by Martin Cooke, Jon Barker, Stuart Cunningham and Xu Shao (2006), "
    "https://doi.org/10.5281/zenodo.3625687, licensed under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)
VIDEO_SUFFIXES = (".mpg", ".mkv", ".mp4")
ALIGN_UNITS_PER_S = 25_000
WORDS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},  # a letter speaks for itself
    dict(zip("z123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)


def sentence(code: str) -> str:
    """The words of a GRID file name: `bbaf2n` → `bin blue at f two now`.

    Raises ValueError where the name is not a GRID code.
    """
    if len(code) != len(WORDS):
        raise ValueError(f"{code!r} is not a GRID sentence: six characters were expected")
    try:
        return " ".join(table[letter] if table else letter for letter, table in zip(code, WORDS, strict=True))
    except KeyError as error:
        raise ValueError(f"{code!r} is not a GRID sentence: {error.args[0]!r} stands for no word there") from None


def find_clips(root: Path) -> list[Clip]:
    """All clips under a GRID folder, by speaker and name. Files that are not GRID's are reported and left out.

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no GRID clips under {root}: SPEAKER/CODE.mpg (or .mkv, .mp4) was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    return sift(videos(root), lambda path: _read(root, path))


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out as GRID is."""
    places = (path for pattern in ("*/*", "*/video/*") for path in root.glob(pattern))
    return any(path.suffix in VIDEO_SUFFIXES and _is_sentence(path.stem) for path in places)


def read_align(path: Path) -> Times:
    """Word times in seconds; `sil` is silence.

    Raises ValueError where a line is not: start, end, word.
    """
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    return tuple((int(a) / ALIGN_UNITS_PER_S, int(b) / ALIGN_UNITS_PER_S, word) for a, b, word in rows)


def _read(root: Path, path: Path) -> Clip:
    folders = path.relative_to(root).parts[:-1]
    if not folders or path.suffix not in VIDEO_SUFFIXES:
        raise WrongFileError("SPEAKER/CODE.mpg (or .mkv, .mp4) was expected")
    try:
        text = sentence(path.stem)
    except ValueError as error:
        raise WrongFileError(str(error)) from None
    words = _words(root / folders[0] / "align" / f"{path.stem}.align")
    return Clip(path=path, speaker=folders[0], name=path.stem, text=text, words=words)


def _is_sentence(code: str) -> bool:
    try:
        return bool(sentence(code))
    except ValueError:
        return False


def _words(align: Path) -> Times:
    """Word times where there are any; a damaged file is reported, and its clip goes without."""
    if not align.exists():
        return ()
    try:
        return read_align(align)
    except ValueError as error:
        log.warning("no word times from %s: %s", align, error)
        return ()
