"""Speech video of nobody: noise with landmarks that move. Enough where a test is about the machinery, not the pictures."""

import numpy as np

from training.augmentation import AugmentationConfig
from training.dataset import BatchConfig, SpeechVideo
from training.preprocessing import KEPT_LANDMARKS, PreparedClip

SMALL = BatchConfig(clips=2, heard=8, drawn=3)


def noise_clip(speaker: str, n_frames: int = 30) -> PreparedClip:
    rng = np.random.default_rng(sum(map(ord, speaker)))
    rest = rng.uniform(30, 90, (1, len(KEPT_LANDMARKS), 2))
    return PreparedClip(
        key=f"{speaker}/x",
        speaker=speaker,
        crops=rng.integers(0, 256, (n_frames, 112, 112, 3), dtype=np.uint8),
        landmarks=(rest + rng.normal(0, 0.5, (n_frames, len(KEPT_LANDMARKS), 2))).astype(np.float32),
        pcm=rng.integers(-3000, 3000, 640 * n_frames).astype(np.int16),
    )


def noise_video(batch: BatchConfig = SMALL, *, seed: int = 5, lookahead: int = 2, offset: int = -22) -> SpeechVideo:
    return SpeechVideo(
        [noise_clip("a"), noise_clip("b")],
        window_offset_hops=offset,
        lookahead=lookahead,
        batch=batch,
        augmentation=AugmentationConfig(variants=1),
        seed=seed,
    )
