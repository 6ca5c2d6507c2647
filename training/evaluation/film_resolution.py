"""How much of a film a canonical crop keeps: mouths at its resolution, at one and a half of it, and at more than films hold.

    python -m training.evaluation.film_resolution GRID docs/results/film-resolution.jpg

docs/decisions/0022 rests on this picture.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import alignment
from realtime.alignment import CROP_SIZE, MOUTH_BOX
from realtime.face_landmarks import FaceLandmarker
from training.corpora import registry
from training.evaluation.lips import LOWER, UPPER
from training.media import read_frames

SCALES = (1.0, 1.5, 2.25)  # crop pixels, of a face of 112
SHOWN = 8  # picture pixels to a pixel of the 112 crop
EVERY = 3  # frames looked at
SPEAKERS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description="mouths of a corpus's films at several resolutions, side by side")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    _, clips = registry.load(args.corpus)
    first = {clip.speaker: clip for clip in reversed(clips)}
    landmarker, rows = FaceLandmarker(), []
    for speaker in sorted(first)[:SPEAKERS]:
        frame, landmarks = widest(read_frames(first[speaker].path)[::EVERY], landmarker)
        to_image = alignment.crop_to_image(landmarks)
        print(f"{speaker}: {film_pixels(to_image):.2f} film pixels to a pixel of the crop")
        rows.append(np.hstack([mouth(frame, to_image, scale) for scale in SCALES]))
    cv2.imwrite(str(args.out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 92])


def widest(
    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], landmarker: FaceLandmarker
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The frame whose mouth is open widest, and its landmarks."""
    faces = [landmarker.find(frame, landmarker.detect(frame)[0]) for frame in frames]
    openings = [float(np.hypot(*(face[UPPER, :2] - face[LOWER, :2]))) for face in faces]
    best = int(np.argmax(openings))
    return frames[best], faces[best]


def film_pixels(to_image: NDArray[np.float64]) -> float:
    """To a pixel of the crop, along an edge."""
    return float(np.sqrt(abs(np.linalg.det(to_image[:, :2]))))


def mouth(frame: NDArray[np.uint8], to_image: NDArray[np.float64], scale: float) -> NDArray[np.uint8]:
    """The mouth box of a crop of 112 × `scale` pixels, enlarged so that all are of one size."""
    finer = np.diag([1 / scale, 1 / scale, 1.0])
    finer[:2, 2] = 0.5 / scale - 0.5
    map_to_film = to_image @ finer
    ratio = film_pixels(map_to_film)
    source = frame if ratio <= 1 else cv2.GaussianBlur(frame, (0, 0), 0.35 * ratio)  # no aliasing
    side = round(CROP_SIZE * scale)
    crop = cv2.warpAffine(source, map_to_film, (side, side), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    x0, y0, x1, y1 = (round(edge * scale) for edge in MOUTH_BOX)
    size = ((MOUTH_BOX[2] - MOUTH_BOX[0]) * SHOWN, (MOUTH_BOX[3] - MOUTH_BOX[1]) * SHOWN)
    return np.asarray(cv2.resize(crop[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC), np.uint8)


if __name__ == "__main__":
    main()
