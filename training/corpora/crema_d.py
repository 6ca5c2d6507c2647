"""CREMA-D: 91 actors, twelve sentences, six emotions; Flash video of 480×360, about 30 fps, sound in a file of its own.

Source: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma, *CREMA-D: Crowd-sourced Emotional Multimodal Actors
Dataset*, IEEE Transactions on Affective Computing 5(4), 2014 (github.com/CheyneyComputerScience/CREMA-D, with Git LFS); Open
Database License, contents under the Database Contents License. The names say actor, sentence, emotion and level:

    VideoFlash/1001_DFA_ANG_XX.flv                  AudioWAV/1001_DFA_ANG_XX.wav
"""

import re
from pathlib import Path

from training.corpora.clip import Clip
from training.corpora.found import Found, WrongFileError, clips_of, sift, videos

NAME = "CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset (Cao and others, IEEE Trans. Affective Computing 5(4), 2014)"
LICENCE = "Open Database License 1.0, contents: Database Contents License 1.0"
ATTRIBUTION = (
    "Learnt from CREMA-D by Cao, Cooper, Keutmann, Gur, Nenkova and Verma (2014), "
    "https://github.com/CheyneyComputerScience/CREMA-D, made available under the Open Database License 1.0"
)
CODE = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX?)")  # the corpus has one name that ends in a single X
SENTENCES = {
    "IEO": "it's eleven o'clock",
    "TIE": "that is exactly what happened",
    "IOM": "i'm on my way to the meeting",
    "IWW": "i wonder what this is about",
    "TAI": "the airplane is almost full",
    "MTI": "maybe tomorrow it will be cold",
    "IWL": "i would like a new alarm clock",
    "ITH": "i think i have a doctor's appointment",
    "DFA": "don't forget a jacket",
    "ITS": "i think i've seen this before",
    "TSI": "the surface is slick",
    "WSI": "we'll stop in a couple of minutes",
}
EMOTIONS = {"ANG": "angry", "DIS": "disgusted", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
LEVELS = {"LO": 1, "MD": 2, "HI": 3}
SOUND_FOLDERS = {"AudioWAV": ".wav", "AudioMP3": ".mp3"}


def find_clips(root: Path) -> list[Clip]:
    """All clips under a CREMA-D folder, by actor and name (`DFA_ANG_XX`).

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no CREMA-D clips under {root}: VideoFlash/1001_DFA_ANG_XX.flv was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    return sift(videos(root), _read)


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out as CREMA-D is."""
    return any(root.glob("VideoFlash/*.flv"))


def _read(path: Path) -> Clip:
    code = CODE.fullmatch(path.stem)
    if path.parent.name != "VideoFlash" or path.suffix != ".flv" or code is None:
        raise WrongFileError("VideoFlash/ACTOR_SENTENCE_EMOTION_LEVEL.flv was expected")
    actor, sentence, emotion, level = code.groups()
    if sentence not in SENTENCES or emotion not in EMOTIONS:
        raise WrongFileError(f"{path.stem} names a sentence or an emotion that CREMA-D has not")
    return Clip(
        path=path,
        audio=_sound(path),
        speaker=actor,
        name=f"{sentence}_{emotion}_{level}",
        text=SENTENCES[sentence],
        emotion=EMOTIONS[emotion],
        level=LEVELS.get(level),
    )


def _sound(video: Path) -> Path | None:
    """The sound's own file; where there is none, the video has it."""
    candidates = (video.parents[1] / folder / f"{video.stem}{suffix}" for folder, suffix in SOUND_FOLDERS.items())
    return next((path for path in candidates if path.exists()), None)
