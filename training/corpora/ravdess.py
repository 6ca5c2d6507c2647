"""RAVDESS: 24 actors, two sentences, eight emotions at two levels; 1280×720, 29.97 fps, sound in the video.

Source: S. R. Livingstone, F. A. Russo, *The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)*, PLoS ONE
13(5), 2018; CC BY-NC-SA 4.0 (Zenodo record 1188976). `Video_Speech_Actor_01.zip` unpacks to

    Actor_01/01-01-03-02-01-01-01.mp4

and the name says modality (01 picture and sound, 02 picture, 03 sound), vocal channel (01 speech, 02 song), emotion, intensity
(01 normal, 02 strong), statement, repetition, actor. Only speech with picture and sound is used.
"""

import re
from pathlib import Path

from training.corpora.clip import Clip
from training.corpora.found import Found, UnusedFileError, WrongFileError, clips_of, sift, videos

NAME = "Ryerson Audio-Visual Database of Emotional Speech and Song (Livingstone, Russo, PLoS ONE 13(5), 2018; Zenodo 1188976)"
LICENCE = "CC BY-NC-SA 4.0"
ATTRIBUTION = (
    "Learnt from the Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS) by Livingstone and Russo (2018), "
    "https://doi.org/10.5281/zenodo.1188976, licensed under CC BY-NC-SA 4.0, https://creativecommons.org/licenses/by-nc-sa/4.0/"
)
CODE = re.compile(r"\d\d(-\d\d){6}")
FOLDER = re.compile(r"Actor_\d\d")
EMOTIONS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgusted", "surprised"),
        strict=True,
    )
)
INTENSITIES = {"01": 1, "02": 2}
STATEMENTS = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
MODALITIES = {"01": "", "02": "picture without sound (modality 02)", "03": "sound without picture (modality 03)"}


def find_clips(root: Path) -> list[Clip]:
    """All spoken clips with picture and sound under a RAVDESS folder, by actor and name.

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no RAVDESS clips under {root}: Actor_01/01-01-03-02-01-01-01.mp4 was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    return sift(videos(root), _read)


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out as RAVDESS is; each zip may have become a folder of its own."""
    return any(any(root.glob(f"{above}Actor_[0-9][0-9]/0[123]-0[12]-*.mp4")) for above in ("", "*/"))


def _read(path: Path) -> Clip:
    folder = path.parent.name
    if path.suffix != ".mp4" or not FOLDER.fullmatch(folder) or not CODE.fullmatch(path.stem):
        raise WrongFileError("Actor_NN/NN-NN-NN-NN-NN-NN-NN.mp4 was expected")
    modality, channel, emotion, intensity, statement, _, actor = path.stem.split("-")
    if modality not in MODALITIES or emotion not in EMOTIONS or intensity not in INTENSITIES or statement not in STATEMENTS:
        raise WrongFileError(f"{path.stem} has a part that stands for nothing in RAVDESS")
    if folder != f"Actor_{actor}":
        raise WrongFileError(f"the name says actor {actor}, the folder {folder}")
    if MODALITIES[modality]:
        raise UnusedFileError(MODALITIES[modality])
    if channel != "01":
        raise UnusedFileError("a song (vocal channel 02)")
    level, text = INTENSITIES[intensity], STATEMENTS[statement]
    return Clip(path=path, speaker=folder, name=path.stem, text=text, emotion=EMOTIONS[emotion], level=level)
