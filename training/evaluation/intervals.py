"""How far a mean over clips can be trusted: 95 % bootstrap intervals.

Source: B. Efron, *Bootstrap methods: another look at the jackknife*, Annals of Statistics 7(1), 1979; percentiles.
Clips are drawn, not speakers: the interval says what other sentences of these speakers would give, nothing about other
speakers.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
MIN_CLIPS = 3  # below that the draws repeat each other and the interval would pretend
Statistic = Callable[..., NDArray[np.float64]]
Interval = list[float]


def interval(values: list[float], statistic: Statistic = np.mean) -> Interval | None:
    """[low, high] of the mean (or `statistic`) over clips; None where there are fewer than three."""
    if len(values) < MIN_CLIPS:
        return None
    rng = np.random.default_rng(0)
    draws = np.asarray(values, np.float64)[rng.integers(len(values), size=(RESAMPLES, len(values)))]
    return [float(v) for v in np.percentile(statistic(draws, axis=1), [2.5, 97.5])]


def difference(values: list[float], control: list[float]) -> dict[str, float | Interval | None]:
    """Mean of values − control clip by clip, and its interval: the same clips are drawn on both sides."""
    paired = [a - b for a, b in zip(values, control, strict=True)]
    return {"mean": float(np.mean(paired)), "interval": interval(paired)}
