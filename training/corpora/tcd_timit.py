"""TCD-TIMIT: 59 volunteers and three lipspeakers who read phonetically rich sentences; 1920×1080, 29.97 fps, two cameras.

Source: N. Harte, E. Gillen, *TCD-TIMIT: An Audio-Visual Corpus of Continuous Speech*, IEEE Transactions on Multimedia 17(5),
2015; free for research, on request from Sigmedia, Trinity College Dublin (sigmedia.tcd.ie). Unpacked it is

    volunteers/01M/Clips/straightcam/sa1.mp4        lipspeakers/Lipspkr1/Clips/straightcam/sa1.mp4
    volunteer_labelfiles.mlf, lipspeaker_labelfiles.mlf: phones and their times, in HTK's units of 100 ns

with each clip's words in a `.txt` beside it and its sound in the video (the `.wav` beside it is the same sound, and is not
read). Clips of the second camera, `30degcam`, are left out: a frontal face was expected.
"""

import logging
import re
from pathlib import Path

from training.corpora.clip import Clip, Times
from training.corpora.found import Found, UnusedFileError, WrongFileError, clips_of, sift, videos

log = logging.getLogger(__name__)

NAME = "TCD-TIMIT audio-visual corpus (Harte, Gillen, IEEE Transactions on Multimedia 17(5), 2015)"
LICENCE = "for research only, on request"
ATTRIBUTION = "Learnt from the TCD-TIMIT corpus by Naomi Harte and Eoin Gillen (2015), https://doi.org/10.1109/TMM.2015.2407694"
CAMERA, SECOND_CAMERA = "straightcam", "30degcam"
MLF_UNITS_PER_S = 10_000_000
SPEAKER = re.compile(r"\d\d[MF]|Lipspkr[123]")
SENTENCE = re.compile(r"s[aix]\d{1,4}")


def find_clips(root: Path) -> list[Clip]:
    """All frontal clips under a TCD-TIMIT folder, by speaker and name.

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no TCD-TIMIT clips under {root}: volunteers/01M/Clips/straightcam/sa1.mp4 was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    texts = {_spoken(path): path for path in sorted(root.rglob("*")) if path.suffix.lower() == ".txt"}
    phones: dict[tuple[str, str], Times] = {}
    for path in sorted([*root.glob("*.mlf"), *root.glob("*/*.mlf")]):
        phones |= _phones(path)
    return sift(videos(root), lambda path: _read(path, texts, phones))


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out as TCD-TIMIT is."""
    return any(any(root.glob(f"{group}/*/Clips/{CAMERA}")) for group in ("volunteers", "lipspeakers"))


def read_mlf(path: Path) -> dict[tuple[str, str], Times]:
    """Phone times of each clip of the frontal camera, by speaker and name.

    Raises ValueError where a line is not: start, end, phone.
    """
    times: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    here: list[tuple[float, float, str]] = []
    for line in path.read_text().splitlines():
        if line.startswith('"'):
            parts = line.strip('" ').replace("\\", "/").split("/")
            here = times.setdefault((parts[-4], parts[-1].split(".")[0].lower()), []) if CAMERA in parts[-3:-1] else []
        elif line.strip() and not line.startswith(("#", ".")):
            start, end, phone = line.split()[:3]
            here.append((int(start) / MLF_UNITS_PER_S, int(end) / MLF_UNITS_PER_S, phone))
    return {key: tuple(rows) for key, rows in times.items()}


def read_text(path: Path) -> str:
    """The words of a clip's text file, in TIMIT's form (`0 63488 She had …`) or a word a line with its times."""
    rows = [re.sub(r"^\s*\d+\s+\d+\s+", "", line).strip() for line in path.read_text(errors="replace").splitlines()]
    return " ".join(row for row in rows if row)


def _read(path: Path, texts: dict[tuple[Path, str], Path], phones: dict[tuple[str, str], Times]) -> Clip:
    group, speaker, clips, camera = ("", "", "", "", *path.parts[:-1])[-4:]
    fits = group in ("volunteers", "lipspeakers") and SPEAKER.fullmatch(speaker) and clips == "Clips"
    if not fits or camera not in (CAMERA, SECOND_CAMERA) or path.suffix != ".mp4":
        raise WrongFileError("volunteers/SPEAKER/Clips/straightcam/SENTENCE.mp4, or lipspeakers/…, was expected")
    if camera == SECOND_CAMERA:
        raise UnusedFileError("the second camera, 30 degrees to the side")
    name = path.stem.lower()
    if not SENTENCE.fullmatch(name):
        raise WrongFileError(f"{path.stem!r} is not a TIMIT sentence: sa1, si1204 or sx55 would be one")
    text = texts.get((path.parent, name))
    words = read_text(text) if text else ""
    return Clip(path=path, speaker=speaker, name=name, text=words, phones=phones.get((speaker, name), ()))


def _spoken(path: Path) -> tuple[Path, str]:
    """Folder and sentence: `SA1.TXT` stands beside `sa1.mp4`."""
    return path.parent, path.stem.lower()


def _phones(path: Path) -> dict[tuple[str, str], Times]:
    """Phone times where they can be read; a damaged file is reported, and its clips go without."""
    try:
        return read_mlf(path)
    except (ValueError, IndexError) as error:
        log.warning("no phone times from %s: %s", path, error)
        return {}
