"""The fastest way that works here: each is tried before it is trusted, and why one was passed over stands in the log."""

import logging
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from realtime.runners.runner import Runner

log = logging.getLogger(__name__)


def first_that_works(folder: Path, ways: Mapping[str, Callable[[Path], Runner]]) -> Runner:
    """The runner of the first of the named ways that opens the folder and makes itself ready for the folder's batch sizes.

    Raises what the last one raises.
    """
    for name, follows in pairwise(ways):
        try:
            return _ready(ways[name](folder))
        except Exception as error:  # runtimes have no error class in common
            log.warning("%s cannot run %s, %s runs instead: %s", name, folder, follows, error)
    return _ready(list(ways.values())[-1](folder))


def _ready(runner: Runner) -> Runner:
    for size in runner.spec.batches or [1]:
        runner.compile(size)
    return runner
