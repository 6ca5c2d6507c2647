"""Contact sheets: the real frames above, the generated ones below."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluation.clip import Film, RealClip

COLUMNS = 10
LABEL_WIDTH = 92
SIDE = 148


def write_sheet(path: Path, rows: list[tuple[RealClip, dict[str, Film]]]) -> None:
    """One block a clip: `real`, then each named film, at the same ten moments."""
    blocks = []
    for real, films in rows:
        n = min(len(film.crops) for film in (real.film, *films.values()))
        moments = np.linspace(0.1 * n, 0.9 * n, COLUMNS).astype(int)
        for name, film in {f"{real.clip.key}": real.film, **films}.items():
            pictures = [_enlarged(film.crops[t]) for t in moments]
            blocks.append(np.hstack([_label(name), *pictures]))
        blocks.append(np.full((6, blocks[-1].shape[1], 3), 255, np.uint8))
    cv2.imwrite(str(path), np.vstack(blocks)[..., ::-1])


def _enlarged(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _label(text: str) -> NDArray[np.uint8]:
    label = np.full((SIDE, LABEL_WIDTH, 3), 255, np.uint8)
    for line, part in enumerate(text.replace("/", "/ ").split()):
        cv2.putText(label, part, (4, 60 + 16 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return label
