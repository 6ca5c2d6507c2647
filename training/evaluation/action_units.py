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

    name: str

    def __call__(self, landmarks: NDArray[np.float32]) -> NDArray[np.bool_]: ...


def unit_figures(found: NDArray[np.bool_], real: NDArray[np.bool_]) -> dict[str, float]:
    """F1 and accuracy over frames and units [T, 5] together; F1 is 1 where no unit occurs and none is found."""
    n = min(len(found), len(real))
    found, real = found[:n], real[:n]
    hits, wrong = int((found & real).sum()), int((found ^ real).sum())
    f1 = 2 * hits / (2 * hits + wrong) if hits + wrong else 1.0
    return {"au_f1": f1, "au_accuracy": 1 - wrong / max(real.size, 1)}
