"""Silence must leave the lips as they are in the portrait (papers/1, figures 8 and 13)."""

import numpy as np
from numpy.typing import NDArray

from realtime.engine import Engine
from realtime.face_landmarks import FaceLandmarker
from realtime.portrait import Portrait
from training.corpora.clip import Clip
from training.evaluation.clip import drive

SECONDS = 3
SAMPLE_RATE_HZ = 16_000
MARGIN_S = 0.1  # word times are not exact to the sample


def recorded_silence(clip: Clip, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """What a clip recorded before its first word and after its last one, repeated to three seconds; empty without word times."""
    spoken = [word for word in clip.words if word[2] not in ("sil", "sp")]
    if not spoken:
        return np.zeros(0, np.int16)
    before = pcm[: max(0, int((spoken[0][0] - MARGIN_S) * SAMPLE_RATE_HZ))]
    after = pcm[int((spoken[-1][1] + 3 * MARGIN_S) * SAMPLE_RATE_HZ) :]
    room = np.concatenate([before, after])
    if len(room) == 0:
        return room
    return np.tile(room, 1 + SECONDS * SAMPLE_RATE_HZ // len(room))[: SECONDS * SAMPLE_RATE_HZ]


def spread(portrait: Portrait, pcm: NDArray[np.int16], engine: Engine, landmarker: FaceLandmarker) -> float:
    """Standard deviation of the lip opening over a silence, in eye distances."""
    return float(drive(portrait, pcm, engine, landmarker).motion.opening.std())
