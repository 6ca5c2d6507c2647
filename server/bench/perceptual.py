"""LPIPS for benchmarks, where PyTorch and the weights are installed: training's own measure, which nothing that serves needs."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError

log = logging.getLogger(__name__)
Distance = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]


def load_lpips() -> Distance | None:
    """A function of two BGR pictures; None, and a line in the log, where it is not to be had."""
    try:
        import torch

        from training.evaluation.lpips import Lpips

        net = Lpips()
    except (ImportError, ConfigError) as error:
        log.warning("without LPIPS: %s", error)
        return None

    def distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
        pictures = (torch.from_numpy(np.ascontiguousarray(x[..., ::-1].transpose(2, 0, 1))).float()[None] / 255 for x in (a, b))
        with torch.no_grad():
            return float(net(*pictures)[0])

    return distance
