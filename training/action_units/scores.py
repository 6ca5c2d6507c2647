"""F1 and accuracy of each action unit, and their averages over units, as in papers/1, tables 1 and 6.

Figures against labels of different sources are not comparable: whoever prints one says where its labels came from.
"""

import numpy as np
from numpy.typing import NDArray

from training.action_units.labels import ACTION_UNITS

Scores = dict[str, dict[str, float]]


def unit_scores(found: NDArray[np.bool_], labels: NDArray[np.bool_]) -> Scores:
    """found, labels [N, 5] → `AU10`, ... and `average`, each with `f1` and `accuracy` in 0..1.

    A unit that neither occurs nor is found has no F1 (NaN) and does not count in the average.
    """
    hits = (found & labels).sum(0)
    wrong = (found ^ labels).sum(0)
    with np.errstate(invalid="ignore"):
        f1 = 2 * hits / (2 * hits + wrong)
    accuracy = 1 - wrong / max(len(labels), 1)
    scores = {unit: {"f1": float(a), "accuracy": float(b)} for unit, a, b in zip(ACTION_UNITS, f1, accuracy, strict=True)}
    known = f1[~np.isnan(f1)]
    scores["average"] = {"f1": float(known.mean()) if len(known) else float("nan"), "accuracy": float(accuracy.mean())}
    return scores


def in_words(scores: Scores) -> str:
    """One line: `AU10 0.87/91 %, ...`."""
    return ", ".join(f"{unit} {100 * s['accuracy']:.0f} % F1 {s['f1']:.2f}" for unit, s in scores.items())
