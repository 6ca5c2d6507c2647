"""Action units of a film against the real one's: F1 and accuracy, as in papers/1, tables 1 and 3.

Where the units come from (OpenFace's tables, or the project's own landmark → unit regressor) is the caller's to say, and stands
in the table: two regressors' figures are not comparable.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

ACTION_UNITS = (10, 14, 20, 25, 26)


class ActionUnitSource(Protocol):
    """name: what the units were found by. Called with landmarks [T, 478, 2] in pixels, says which units occur: bool [T, 5]."""

    @property
    def name(self) -> str: ...

    def __call__(self, landmarks: NDArray[np.float32]) -> NDArray[np.bool_]: ...


def unit_figures(found: NDArray[np.bool_], real: NDArray[np.bool_]) -> dict[str, float]:
    """F1 and accuracy of each unit over the frames [T, 5], as `au10_f1` and so on, and their means over the units, `au_f1` and
    `au_accuracy`; F1 is 1 where a unit neither occurs nor is found."""
    n = min(len(found), len(real))
    found, real = found[:n], real[:n]
    hits, wrong = (found & real).sum(0), (found ^ real).sum(0)
    f1 = np.where(hits + wrong == 0, 1.0, 2 * hits / np.maximum(2 * hits + wrong, 1))
    accuracy = 1 - wrong / max(n, 1)
    figures = {f"au{unit}_f1": float(value) for unit, value in zip(ACTION_UNITS, f1, strict=True)}
    figures |= {f"au{unit}_accuracy": float(value) for unit, value in zip(ACTION_UNITS, accuracy, strict=True)}
    return figures | {"au_f1": float(f1.mean()), "au_accuracy": float(accuracy.mean())}
