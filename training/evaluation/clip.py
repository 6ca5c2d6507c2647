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
from training.evaluation import lips, pictures
from training.evaluation.lips import LipMotion
from training.media import MediaError, read_video


@dataclass(frozen=True, kw_only=True)
class Film:
    """T frames measured: crops [T, 112, 112, 3] RGB canonical, and the lips' motion."""

    crops: NDArray[np.uint8]
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
    frames, _ = read_video(clip.path)
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
    crops, tracked = [], []
    for index, frame in enumerate(frames):
        landmarks = tracker.track(frame)
        if landmarks is None:
            raise MediaError(f"no face in frame {index}")
        crops.append(alignment.cut(frame[..., ::-1], alignment.crop_to_image(landmarks)))
        tracked.append(landmarks[:, :2])
    return Film(crops=np.stack(crops), motion=lips.lip_motion(np.stack(tracked)))


def picture_figures(film: Film, real: Film) -> dict[str, float]:
    """Mean PSNR and SSIM of whole crops and of lower faces."""
    pairs = list(zip(film.crops, real.crops, strict=False))
    lower = [(pictures.lower_face(a), pictures.lower_face(b)) for a, b in pairs]
    return {
        "psnr": float(np.mean([pictures.psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([pictures.ssim(a, b) for a, b in pairs])),
        "psnr_lower": float(np.mean([pictures.psnr(a, b) for a, b in lower])),
        "ssim_lower": float(np.mean([pictures.ssim(a, b) for a, b in lower])),
    }


def motion_figures(motion: LipMotion, real: LipMotion) -> dict[str, float]:
    """Detail correlation and lag of opening and width, and the opening's spread against the real one's."""
    return {
        "opening": lips.detail_correlation(motion.opening, real.opening),
        "opening_lag": float(lips.lag(motion.opening, real.opening)),
        "width": lips.detail_correlation(motion.width, real.width),
        "width_lag": float(lips.lag(motion.width, real.width)),
        "opening_spread": float(motion.opening.std() / max(real.opening.std(), 1e-9)),
    }
