"""MEAD: actors who speak with eight emotions at three levels, filmed from seven sides; 1920×1080, 30 fps, sound apart.

Source: K. Wang and others, *MEAD: A Large-scale Audio-visual Dataset for Emotional Talking-face Generation*, ECCV 2020
(wywu.github.io/projects/MEAD); for research, not for commerce. Each actor is a folder with `video.tar` and `audio.tar`, unpacked

    M003/video/front/angry/level_1/001.mp4          M003/audio/angry/level_1/001.m4a

The number is the sentence's; its words are not in the folders. Six views of seven are left out: a frontal face was expected.
"""

import re
from pathlib import Path

from training.corpora.clip import Clip
from training.corpora.found import Found, UnusedFileError, WrongFileError, clips_of, sift, videos

NAME = "MEAD, Multi-view Emotional Audio-visual Dataset (Wang and others, ECCV 2020)"
LICENCE = "for research only, not for commerce"
ATTRIBUTION = "Learnt from MEAD by Kaisiyuan Wang and others (ECCV 2020), https://wywu.github.io/projects/MEAD/MEAD.html"
VIEW = "front"
OTHER_VIEWS = ("down", "top", "left_30", "left_60", "right_30", "right_60")
SPEAKER = re.compile(r"[MW]\d{3}")
SOUND_SUFFIXES = (".m4a", ".wav", ".mp3")
EMOTIONS = {
    "angry": "angry",
    "contempt": "contempt",
    "disgusted": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprised": "surprised",
}
LEVELS = {"level_1": 1, "level_2": 2, "level_3": 3}


def find_clips(root: Path) -> list[Clip]:
    """All frontal clips under a MEAD folder, by speaker and name (`angry_1_001`).

    Raises ConfigError where there are none.
    """
    return clips_of(scan(root), f"no MEAD clips under {root}: M003/video/front/angry/level_1/001.mp4 was expected")


def scan(root: Path) -> Found:
    """Clips, and what is none."""
    return sift(videos(root), _read)


def looks_like(root: Path) -> bool:
    """Whether a folder is laid out as MEAD is."""
    return any(root.glob("[MW][0-9][0-9][0-9]/video/*/*/level_[123]"))


def _read(path: Path) -> Clip:
    speaker, video, view, emotion, level = ("", "", "", "", "", *path.parts[:-1])[-5:]
    placed = SPEAKER.fullmatch(speaker) and video == "video" and view in (VIEW, *OTHER_VIEWS) and level in LEVELS
    if not placed or path.suffix != ".mp4" or not re.fullmatch(r"\d{3}", path.stem):
        raise WrongFileError("SPEAKER/video/front/EMOTION/level_N/NNN.mp4 was expected")
    if emotion not in EMOTIONS:
        raise WrongFileError(f"{emotion!r} is none of MEAD's emotions: {', '.join(EMOTIONS)}")
    if view != VIEW:
        raise UnusedFileError("another view than the frontal one")
    return Clip(
        path=path,
        audio=_sound(path.parents[4] / "audio" / emotion / level / path.stem),
        speaker=speaker,
        name=f"{emotion}_{LEVELS[level]}_{path.stem}",
        emotion=EMOTIONS[emotion],
        level=LEVELS[level],
    )


def _sound(without_suffix: Path) -> Path | None:
    """The sound's own file; where there is none, the video may have it."""
    candidates = (without_suffix.with_suffix(suffix) for suffix in SOUND_SUFFIXES)
    return next((path for path in candidates if path.exists()), None)
