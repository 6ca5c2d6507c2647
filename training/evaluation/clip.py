"""One clip, played through the same pipeline as a call, and measured against the real film."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime import alignment
from realtime.engine import Engine
from realtime.face_landmarks import FaceLandmarker, FaceTracker
from realtime.portrait import Portrait, frame_portrait
from realtime.render import render_frames
from training.corpora.clip import Clip
from training.evaluation import jitter, lips
from training.evaluation.lips import LipMotion
from training.media import MediaError, read_frames


@dataclass(frozen=True, kw_only=True)
class Film:
    """T frames measured: crops [T, 112, 112, 3] RGB canonical; steady: the same cut without the landmarks' tremble (jitter.py);
    landmarks [T, 478, 2] in pixels; the lips' motion."""

    crops: NDArray[np.uint8]
    steady: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    motion: LipMotion


@dataclass(frozen=True, kw_only=True)
class RealClip:
    """A clip of the corpus, its first frame as portrait, and its sound (int16, 16 kHz)."""

    clip: Clip
    film: Film
    portrait: Portrait
    pcm: NDArray[np.int16]


def read_real(clip: Clip, pcm: NDArray[np.int16], landmarker: FaceLandmarker) -> RealClip:
    """Raises MediaError, PortraitError."""
    frames = read_frames(clip.path)
    return RealClip(clip=clip, film=measure(frames, landmarker), portrait=frame_portrait(frames[0]), pcm=pcm)


def drive(portrait: Portrait, pcm: NDArray[np.int16], engine: Engine, landmarker: FaceLandmarker) -> Film:
    """The portrait speaking the sound."""
    frames = np.stack([frame.image for frame in render_frames(portrait, pcm, engine)])
    return measure(frames, landmarker)


def measure(frames: NDArray[np.uint8], landmarker: FaceLandmarker) -> Film:
    """Frames [T, H, W, 3] BGR → crops and lip motion.

    Raises MediaError where a frame has no face.
    """
    tracker = FaceTracker(landmarker)
    tracked = []
    for index, frame in enumerate(frames):
        landmarks = tracker.track(frame)
        if landmarks is None:
            raise MediaError(f"no face in frame {index}")
        tracked.append(landmarks[:, :2])
    points = np.stack(tracked)
    to_image = np.stack([alignment.crop_to_image(landmarks) for landmarks in points])
    return Film(
        crops=_cut_all(frames, to_image),
        steady=_cut_all(frames, jitter.without_tremble(to_image)),
        landmarks=points,
        motion=lips.lip_motion(points),
    )


def _cut_all(frames: NDArray[np.uint8], to_image: NDArray[np.float64]) -> NDArray[np.uint8]:
    pairs = zip(frames, to_image, strict=True)
    return np.stack([alignment.cut(frame[..., ::-1], matrix) for frame, matrix in pairs])
