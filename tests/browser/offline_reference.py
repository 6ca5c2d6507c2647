"""The same speech through the same pipeline without a network: what every picture should have shown, and when."""

from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ
from realtime.pipeline import Pipeline, RenderedFrame
from realtime.portrait import Portrait
from tests.browser.call_recording import FRAME_MS, PATCH_SHAPE, Patches, Series, opening

LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
"""The outer lip line among the 478 face landmarks."""
MARGIN = 0.35
PORTION_SAMPLES = SAMPLE_RATE_HZ // 50
WAITING_FRAMES = 32


def mouth_box(portrait: Portrait) -> tuple[int, int, int, int]:
    """x, y, width, height of the lips with a margin, in picture pixels."""
    lips = portrait.landmarks[list(LIPS)]
    low, high = lips.min(0), lips.max(0)
    margin = MARGIN * (high - low)[0]
    x0, y0 = np.maximum(0, low - margin).astype(int)
    x1, y1 = (high + margin).astype(int)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def mouth_patch(image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """BGR picture → grey [32, 48] of the box."""
    x, y, width, height = box
    grey = cv2.cvtColor(image[y : y + height, x : x + width], cv2.COLOR_BGR2GRAY)
    rows, columns = PATCH_SHAPE
    return cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)


def offline_opening(
    pipeline: Pipeline, portrait: Portrait, pcm: NDArray[np.int16], box: tuple[int, int, int, int]
) -> tuple[Series, Series]:
    """Speech [n] at 16 kHz → media times of the frames and how far each one's mouth is from rest."""
    patches: list[NDArray[np.float32]] = []
    waiting: list[Future[list[RenderedFrame]]] = []

    def draw(limit: int) -> None:
        while len(waiting) > limit:
            patches.extend(mouth_patch(frame.image, box) for frame in waiting.pop(0).result())

    for start in range(0, len(pcm), PORTION_SAMPLES):
        waiting.extend(pipeline.push(pcm[start : start + PORTION_SAMPLES], SAMPLE_RATE_HZ))
        draw(WAITING_FRAMES)
    waiting.extend(pipeline.finish())
    draw(0)
    drawn: Patches = np.stack(patches)
    times_ms: Series = FRAME_MS * np.arange(len(drawn), dtype=np.float64)
    return times_ms, opening(drawn, mouth_patch(portrait.image, box))
