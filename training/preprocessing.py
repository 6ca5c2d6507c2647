"""Clips → aligned crops, landmarks and sound, cached: one `.npz` a clip, made once, in parallel, resumable.

A damaged or faceless clip is reported and left out; the cache refuses data that another version of this file made.
"""

import json
import logging
import os
import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from realtime import alignment
from realtime.errors import ConfigError, FacewireError
from realtime.face_landmarks import FaceLandmarker, FaceTracker
from realtime.lip_map import INNER_LIP, OUTER_LIP
from training.corpora.clip import Clip
from training.media import FRAME_RATE as FRAME_RATE
from training.media import MediaError, read_frames, read_sound
from training.processes import in_processes

log = logging.getLogger(__name__)

CACHE_VERSION = 1
LOCAL_HEADER = struct.Struct("<4s5H3I2H")  # before a file in a zip archive; ends with two lengths (PKWARE's APPNOTE, 4.3.7)
MIN_FRAMES = 25  # a second: less holds no word
SAMPLES_A_FRAME = 640
MAX_SOUND_MISSING = 3_200  # samples, 0.2 s: more would teach that lips move in silence

# The mesh's points that follow speech: both lip rims, chin and jaw, cheeks, nose wings; then the still ones.
JAW = (152, 148, 176, 149, 150, 136, 172, 377, 400, 378, 379, 365, 397, 200, 199, 175, 18, 83, 313)
CHEEKS = (50, 205, 206, 207, 187, 216, 212, 280, 425, 426, 427, 411, 436, 432, 2, 98, 327, 164, 57, 287)
STILL = (33, 133, 362, 263, 168, 6, 197, 195, 70, 300, 10, 151)
KEPT_LANDMARKS = OUTER_LIP + INNER_LIP + JAW + CHEEKS + STILL
OUTER, INNER = ([KEPT_LANDMARKS.index(i) for i in rim] for rim in (OUTER_LIP, INNER_LIP))


@dataclass(frozen=True, kw_only=True)
class PreparedClip:
    """T frames of one clip in the canonical crop.

    crops [T, 112, 112, 3] RGB uint8, from the cache read as they are used: a corpus is larger than memory; landmarks [T, K, 2]
    crop pixels (KEPT_LANDMARKS); pcm [n] int16 at 16 kHz, n = 640 T.
    """

    key: str
    speaker: str
    crops: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    pcm: NDArray[np.int16]


def prepare_clip(clip: Clip, landmarker: FaceLandmarker) -> PreparedClip:
    """Tracks and crops one clip.

    Raises MediaError where the file is damaged, of a rate that no speech video has, shorter than a second, without sound for
    all of its picture, or has frames without a face.
    """
    frames = read_frames(clip.path)
    pcm = _sound_of(clip, len(frames))
    tracker = FaceTracker(landmarker)
    crops, kept = [], []
    for index, frame in enumerate(frames):
        landmarks = tracker.track(frame)
        if landmarks is None:
            raise MediaError(f"{clip.path}: no face in frame {index}")
        to_image = alignment.crop_to_image(landmarks)
        crops.append(alignment.cut(frame[..., ::-1], to_image))
        kept.append(alignment.to_crop(landmarks[list(KEPT_LANDMARKS)], to_image))
    return PreparedClip(key=clip.key, speaker=clip.speaker, crops=np.stack(crops), landmarks=np.stack(kept), pcm=pcm)


def prepare_corpus(clips: list[Clip], cache: Path, workers: int = 2) -> list[PreparedClip]:
    """Every clip, from the cache where it is there, made where it is not, with a progress bar.

    Raises ConfigError where the cache is another version's, or damaged.
    """
    _claim(cache)
    if missing := [clip for clip in clips if not _is_there(cache, clip)]:
        work, workers = partial(_prepare_and_store, cache=cache), min(workers, len(missing))
        for failure in filter(None, in_processes(work, missing, workers=workers, label="preparing clips", unit="clip")):
            log.warning("left out: %s", failure)
    return [load_prepared(_file(cache, clip)) for clip in clips if _file(cache, clip).exists()]


def load_prepared(path: Path) -> PreparedClip:
    """One cached clip.

    Raises ConfigError where it is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as data:
            key = str(data["key"])
            return PreparedClip(
                key=key,
                speaker=key.split("/")[0],
                crops=_mapped(path, "crops"),
                landmarks=data["landmarks"],
                pcm=data["pcm"],
            )
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigError(f"{path} is damaged ({error}): remove it, and it is made again") from error


def _sound_of(clip: Clip, n_frames: int) -> NDArray[np.int16]:
    """As many samples as the frames last."""
    if n_frames < MIN_FRAMES:
        raise MediaError(f"{clip.path}: {n_frames} frames, at least {MIN_FRAMES} were expected")
    pcm, samples = read_sound(clip.path, clip.audio), n_frames * SAMPLES_A_FRAME
    if len(pcm) < samples - MAX_SOUND_MISSING:
        raise MediaError(f"{clip.path}: {len(pcm) / 16_000:.1f} s of sound, {samples / 16_000:.1f} s of picture")
    return np.pad(pcm, (0, max(0, samples - len(pcm))))[:samples]


def _claim(cache: Path) -> None:
    stamp = cache / "cache.json"
    cache.mkdir(parents=True, exist_ok=True)
    if not stamp.exists():
        stamp.write_text(json.dumps({"version": CACHE_VERSION}))
    try:
        found = json.loads(stamp.read_text())["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{stamp} says no version of the preprocessing: name another folder for the cache") from error
    if found != CACHE_VERSION:
        raise ConfigError(
            f"{cache} was made by version {found} of the preprocessing, this is version {CACHE_VERSION}: name another folder"
        )


def _is_there(cache: Path, clip: Clip) -> bool:
    """Whether the cache has this very film: two corpora may have clips of one name. Films are told apart by their size in bytes,
    which the cache did not note from the start."""
    path = _file(cache, clip)
    if not path.exists():
        return False
    try:
        with np.load(path) as data:
            return "film_bytes" not in data or int(data["film_bytes"]) == clip.path.stat().st_size
    except (OSError, EOFError, ValueError, BadZipFile):
        return True  # damaged: `load_prepared` says so


def _mapped(path: Path, name: str) -> NDArray[Any]:
    """An array of an uncompressed `.npz`, left in the file."""
    with ZipFile(path) as archive:
        start = archive.getinfo(f"{name}.npy").header_offset
    with path.open("rb") as file:
        file.seek(start + LOCAL_HEADER.size - 4)
        name_bytes, extra_bytes = struct.unpack("<2H", file.read(4))
        file.seek(name_bytes + extra_bytes, os.SEEK_CUR)
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.memmap(path, dtype, "c", offset=file.tell(), shape=shape)  # whoever writes, writes into a copy


def _file(cache: Path, clip: Clip) -> Path:
    return cache / f"{clip.speaker}_{clip.name}.npz"


_landmarker: FaceLandmarker | None = None  # one a worker process


def _prepare_and_store(clip: Clip, cache: Path) -> str | None:
    """Returns what was wrong, or None."""
    global _landmarker
    _landmarker = _landmarker or FaceLandmarker()
    try:
        prepared = prepare_clip(clip, _landmarker)
    except FacewireError as error:
        return str(error)
    unfinished = _file(cache, clip).with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            key=prepared.key,
            film_bytes=clip.path.stat().st_size,
            crops=prepared.crops,
            landmarks=prepared.landmarks,
            pcm=prepared.pcm,
        )
    unfinished.rename(_file(cache, clip))
    return None
