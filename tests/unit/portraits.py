"""The shipped portraits as fixtures, and what tests do to photographs."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from realtime.portrait import Portrait, prepare_portrait

FOLDER = Path(__file__).resolve().parents[2] / "web_client" / "portraits"
ENTRIES: list[dict[str, str]] = json.loads((FOLDER / "portraits.json").read_text())
IDS = [entry["id"] for entry in ENTRIES]


def photograph(name: str) -> bytes:
    """The file of a shipped portrait."""
    return (FOLDER / f"{name}.jpg").read_bytes()


@cache
def portrait(name: str, size: int = 512) -> Portrait:
    """A shipped portrait, prepared."""
    return prepare_portrait(photograph(name), size)


def pixels(name: str) -> NDArray[np.uint8]:
    """[640, 640, 3] BGR."""
    return np.ascontiguousarray(np.asarray(picture(name), np.uint8)[..., ::-1])


def picture(name: str) -> Image.Image:
    return Image.open(io.BytesIO(photograph(name)))


def encoded(image: Image.Image | NDArray[np.uint8], file_format: str = "PNG", **options: Any) -> bytes:
    """A picture, or pixels [H, W, 3] BGR, as the bytes of a file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def turned(name: str, degrees: float) -> NDArray[np.uint8]:
    """A portrait painted on a cylinder as wide as the head, and the cylinder turned."""
    face = portrait(name, 640)
    middle, radius = face.landmarks[:, 0].mean(), np.ptp(face.landmarks[:, 0]) * 0.62
    along = (np.arange(640) - middle) / radius
    seen = np.sin(np.arcsin(np.clip(along, -1, 1)) - np.radians(degrees))
    x = (np.where(np.abs(along) < 1, seen, along) * radius + middle).astype(np.float32)
    y = np.arange(640, dtype=np.float32)
    maps = np.broadcast_to(x, (640, 640)).copy(), np.broadcast_to(y[:, None], (640, 640)).copy()
    return np.asarray(cv2.remap(face.image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def rolled(name: str, degrees: float) -> NDArray[np.uint8]:
    """A portrait whose camera was held askew."""
    matrix = cv2.getRotationMatrix2D((320, 320), degrees, 0.8)
    out = cv2.warpAffine(pixels(name), matrix, (640, 640), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def socket() -> NDArray[np.uint8]:
    """A wall socket [400, 400, 3]: what the face detector takes for a face."""
    wall = np.full((400, 400, 3), 200, np.uint8)
    cv2.rectangle(wall, (115, 90), (285, 310), (235, 235, 235), -1)
    for centre, radius in (((155, 180), 22), ((245, 180), 22), ((200, 250), 16)):
        cv2.circle(wall, centre, radius, (20, 20, 20), -1)
    return wall
