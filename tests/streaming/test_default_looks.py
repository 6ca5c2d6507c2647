"""What the built-in model paints into a photograph has the photograph's light: nothing gives the paint away by its colour."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.engine import Engine
from realtime.pipeline import FRAME_SAMPLES
from realtime.portrait import Portrait, prepare_portrait
from realtime.render import render_frames
from realtime.runners.runner import load_runner
from realtime.weights import default_model

ROOT = Path(__file__).resolve().parents[2]
PORTRAITS = sorted((ROOT / "web_client" / "portraits").glob("*.jpg"))
SPOKEN = slice(10, 60, 2)  # of the recording's frames: its first second and a half of speech
SEPIA = np.array([0.95, 1.0, 1.05])  # B, G, R
MOVED = 25  # grey levels
SEEN = 8  # grey levels


def mouth(portrait: Portrait, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The middle of the mouth box [H, W, 3] of an image, B, G, R."""
    to_image = portrait.crop_to_image
    x, y = (to_image @ [56, 76, 1]).astype(int)
    half = int(12 * np.linalg.norm(to_image[:, 0]))
    return image[y - half : y + half // 2, x - half : x + half].astype(np.float64)


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
def test_a_sepia_photograph_speaks_in_sepia(path: Path) -> None:
    """In it every pixel has one hue. Before the rule of layers/gamut.py its mouth had 9 to 32 grey levels of green too many."""
    photograph = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert photograph is not None
    toned = np.clip(photograph[..., None] * SEPIA, 0, 255).astype(np.uint8)
    portrait = prepare_portrait(cv2.imencode(".png", toned)[1].tobytes(), 256)
    sound = read_audio_file(ROOT / "tests/fixtures/speech.wav")[: SPOKEN.stop * FRAME_SAMPLES]
    with Engine(load_runner(default_model())) as engine:
        frames = list(render_frames(portrait, sound, engine))[SPOKEN]
    drawn = np.stack([mouth(portrait, frame.image) for frame in frames])
    moved = np.abs(drawn - drawn[0]).max(-1) > MOVED
    assert moved.any(), "it speaks"
    green = drawn[..., 1] - drawn[..., 2] * SEPIA[1] / SEPIA[2]
    assert green[moved].max() < SEEN
