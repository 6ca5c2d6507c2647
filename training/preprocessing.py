"""Clips → aligned crops, landmarks and sound, cached: one `.npz` a clip, made once, in parallel, resumable.

A damaged or faceless clip is reported and left out; the cache refuses data that another version of this file made.
"""

import json
import logging
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from realtime import alignment
from realtime.audio import read_audio_file
from realtime.errors import ConfigError, FacewireError
from realtime.face_landmarks import FaceLandmarker, FaceTracker
from realtime.lip_map import INNER_LIP, OUTER_LIP
from training.corpora.clip import Clip
from training.media import MediaError, read_video

log = logging.getLogger(__name__)

CACHE_VERSION = 1
FRAME_RATE = 25.0

# The mesh's points that follow speech: both lip rims, chin and jaw, cheeks, nose wings; then the still ones.
JAW = (152, 148, 176, 149, 150, 136, 172, 377, 400, 378, 379, 365, 397, 200, 199, 175, 18, 83, 313)
CHEEKS = (50, 205, 206, 207, 187, 216, 212, 280, 425, 426, 427, 411, 436, 432, 2, 98, 327, 164, 57, 287)
STILL = (33, 133, 362, 263, 168, 6, 197, 195, 70, 300, 10, 151)
KEPT_LANDMARKS = OUTER_LIP + INNER_LIP + JAW + CHEEKS + STILL


@dataclass(frozen=True, kw_only=True)
class PreparedClip:
    """T frames of one clip in the canonical crop.

    crops [T, 112, 112, 3] RGB uint8; landmarks [T, K, 2] crop pixels (KEPT_LANDMARKS); pcm [n] int16 at 16 kHz, n = 640 T.
    """

    key: str
    speaker: str
    crops: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    pcm: NDArray[np.int16]


def prepare_clip(clip: Clip, landmarker: FaceLandmarker) -> PreparedClip:
    """Tracks and crops one clip.

    Raises MediaError where the file is damaged, not 25 fps, silent of sound, or has frames without a face.
    """
    frames, rate = read_video(clip.path)
    if abs(rate - FRAME_RATE) > 0.01:
        raise MediaError(f"{clip.path}: {rate:g} frames a second, {FRAME_RATE:g} were expected")
    tracker = FaceTracker(landmarker)
    crops, kept = [], []
    for index, frame in enumerate(frames):
        landmarks = tracker.track(frame)
        if landmarks is None:
            raise MediaError(f"{clip.path}: no face in frame {index}")
        to_image = alignment.crop_to_image(landmarks)
        crops.append(alignment.cut(frame[..., ::-1], to_image))
        kept.append(alignment.to_crop(landmarks[list(KEPT_LANDMARKS)], to_image))
    pcm = read_audio_file(clip.path)
    samples = len(crops) * 640
    return PreparedClip(
        key=clip.key,
        speaker=clip.speaker,
        crops=np.stack(crops),
        landmarks=np.stack(kept),
        pcm=np.pad(pcm, (0, max(0, samples - len(pcm))))[:samples],
    )


def prepare_corpus(clips: list[Clip], cache: Path, workers: int = 2) -> list[PreparedClip]:
    """Every clip, from the cache where it is there, made where it is not, with a progress bar.

    Raises ConfigError where the cache is another version's.
    """
    _claim(cache)
    missing = [clip for clip in clips if not _file(cache, clip).exists()]
    if missing:
        with ProcessPoolExecutor(workers) as pool:
            jobs = {pool.submit(_prepare_and_store, clip, cache): clip for clip in missing}
            for job in tqdm(as_completed(jobs), total=len(jobs), desc="preparing clips", unit="clip"):
                if failure := job.result():
                    log.warning("left out: %s", failure)
    return [load_prepared(_file(cache, clip)) for clip in clips if _file(cache, clip).exists()]


def load_prepared(path: Path) -> PreparedClip:
    """One cached clip."""
    with np.load(path) as data:
        key = str(data["key"])
        return PreparedClip(
            key=key,
            speaker=key.split("/")[0],
            crops=data["crops"],
            landmarks=data["landmarks"],
            pcm=data["pcm"],
        )


def _claim(cache: Path) -> None:
    stamp = cache / "cache.json"
    cache.mkdir(parents=True, exist_ok=True)
    if not stamp.exists():
        stamp.write_text(json.dumps({"version": CACHE_VERSION}))
    found = json.loads(stamp.read_text()).get("version")
    if found != CACHE_VERSION:
        raise ConfigError(
            f"{cache} was made by version {found} of the preprocessing, this is version {CACHE_VERSION}: name another folder"
        )


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
    partial = _file(cache, clip).with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, key=prepared.key, crops=prepared.crops, landmarks=prepared.landmarks, pcm=prepared.pcm)
    partial.rename(_file(cache, clip))
    return None
