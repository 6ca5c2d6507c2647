"""The other corpora in miniature: a shipped portrait whose mouth follows recorded speech, in each corpus's folders, names,
formats and frame rate; and in each tree a damaged file, a wrongly named one, one without sound, and files that are never used.

    python -m tests.training.make_corpora FOLDER    # all four, to look at
"""

import shutil
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from tests.training.make_corpus import SAMPLES_A_FRAME, SPEECH, loudness, picture, speak, write_clip, write_sound

NTSC = Fraction(30_000, 1001)
SECONDS = Fraction(6, 5)
SILENCE: NDArray[np.int16] = np.zeros(0, np.int16)
MLF = '#!MLF!#\n"Q:/Videos/TCD-TIMIT/volunteers/01M/Clips/straightcam/sa1.rec"\n0 2500000 sil\n2500000 4000000 sh\n.\n'
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 190314\n"


def make_tcd_timit(root: Path) -> Path:
    """Two volunteers and a lipspeaker, with texts and phone times for one clip."""
    clips = root / "volunteers" / "01M" / "Clips" / "straightcam"
    good = clips / "sa1.mp4"
    _film(good, rate=NTSC)
    others = [root / "volunteers" / "08F", root / "lipspeakers" / "Lipspkr1"]
    for folder, name in zip(others, ("si1204", "sx55"), strict=True):
        _copy(good, folder / "Clips" / "straightcam" / f"{name}.mp4")
    _copy(good, root / "volunteers" / "01M" / "Clips" / "30degcam" / "sa1.mp4")
    (clips / "SA1.txt").write_text("0 46797 She had your dark suit in greasy wash water all year.\n")
    (root / "volunteer_labelfiles.mlf").write_text(MLF)
    (root / "lipspeaker_labelfiles.mlf").write_text('"x/lipspeakers/Lipspkr1/Clips/straightcam/sx55.rec"\n0 sil\n')
    _damaged(good, clips / "sa2.mp4")
    _copy(good, clips / "take2.mp4")
    _film(clips / "sx100.mp4", rate=NTSC, sound=False)
    return root


def make_mead(root: Path) -> Path:
    """An actor and an actress; sound in its own files."""
    good = root / "M003" / "video" / "front" / "angry" / "level_1" / "001.mp4"
    _film(good, rate=Fraction(30), sound=False)
    write_sound(_mead_sound(good), _speech())
    for place in ("W009/video/front/fear/level_3/005.mp4", "W009/video/front/neutral/level_1/040.mp4"):
        _copy(good, root / place)
        _copy(_mead_sound(good), _mead_sound(root / place))
    _copy(good, root / "M003" / "video" / "left_30" / "angry" / "level_1" / "001.mp4")
    _damaged(good, good.with_name("002.mp4"))
    _copy(_mead_sound(good), _mead_sound(good.with_name("002.mp4")))
    _copy(good, good.with_name("003.mp4"))  # its sound is damaged
    _damaged(_mead_sound(good), _mead_sound(good.with_name("003.mp4")))
    _copy(good, good.with_name("004.mp4"))  # it has no sound
    _copy(good, good.with_name("take5.mp4"))
    _copy(good, root / "M003" / "video" / "front" / "bored" / "level_1" / "001.mp4")
    return root


def make_ravdess(root: Path) -> Path:
    """Two actors; beside the speech, what the corpus has of pictures without sound and of songs."""
    good = root / "Actor_01" / "01-01-03-02-01-01-01.mp4"
    _film(good, rate=NTSC)
    _copy(good, root / "Actor_03" / "01-01-01-01-02-02-03.mp4")
    _film(root / "Actor_01" / "02-01-03-02-01-01-01.mp4", rate=NTSC, sound=False)
    _copy(good, root / "Actor_01" / "01-02-03-02-01-01-01.mp4")
    _damaged(good, root / "Actor_01" / "01-01-04-02-01-01-01.mp4")
    _film(root / "Actor_01" / "01-01-05-02-01-01-01.mp4", rate=NTSC, sound=False)
    for name in ("01-01-03-02-01-01-03", "01-01-09-01-01-01-01", "01-01-03-02-01-01"):
        _copy(good, root / "Actor_01" / f"{name}.mp4")
    return root


def make_crema_d(root: Path) -> Path:
    """Two actors; the sound of one clip lies in its Flash video alone."""
    good, sounds = root / "VideoFlash" / "1001_DFA_ANG_XX.flv", root / "AudioWAV"
    _film(good, rate=NTSC)
    write_sound(sounds / f"{good.stem}.wav", _speech())
    for name in ("1015_IEO_HAP_LO", "1040_ITH_SAD_X"):
        _copy(good, good.with_name(f"{name}.flv"))
    _copy(sounds / f"{good.stem}.wav", sounds / "1015_IEO_HAP_LO.wav")
    _damaged(good, good.with_name("1001_IEO_FEA_HI.flv"))
    _film(good.with_name("1001_IEO_SAD_MD.flv"), rate=NTSC, sound=False)
    good.with_name("1001_IEO_DIS_HI.flv").write_text(LFS)
    for name in ("1001_XYZ_ANG_XX", "1001_DFA_ANG"):
        _copy(good, good.with_name(f"{name}.flv"))
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "tcd-timit": make_tcd_timit,
    "mead": make_mead,
    "ravdess": make_ravdess,
    "crema-d": make_crema_d,
}


@cache
def _speech() -> NDArray[np.int16]:
    """The second sentence's beginning."""
    return read_audio_file(SPEECH)[60 * SAMPLES_A_FRAME :][: int(SECONDS * 16_000)]


@cache
def _talking(rate: Fraction) -> NDArray[np.uint8]:
    """Frames [T, H, W, 3] BGR whose mouth is as open as the sound of that moment is loud."""
    times_s = np.arange(int(SECONDS * rate)) / float(rate)
    loud = loudness(_speech())
    return speak(picture("speaker-26"), np.interp(times_s, np.arange(len(loud)) / 25, loud))


def _film(path: Path, *, rate: Fraction, sound: bool = True) -> None:
    write_clip(path, _talking(rate), _speech() if sound else SILENCE, rate=rate)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _damaged(whole: Path, path: Path) -> None:
    """The first half of a file, as an interrupted download leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def _mead_sound(video: Path) -> Path:
    speaker, emotion, level = video.parents[4], video.parents[1].name, video.parents[0].name
    return speaker / "audio" / emotion / level / f"{video.stem}.m4a"


if __name__ == "__main__":
    for name, make in MAKERS.items():
        print(make(Path(sys.argv[1]) / name))
