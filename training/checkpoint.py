"""A training run on disk: weights, averaged weights, optimiser, step, random state, and the recipe that made them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from realtime.errors import ModelError

FORMAT = 1
UNTRAINED = "untrained"  # in the recipe of weights that learnt nothing


@dataclass(kw_only=True)
class Checkpoint:
    """system and config: what `realtime.generators.registry` builds the generator from; weights: the averaged ones, to be
    exported; training: everything a resumed run needs; recipe: the command's settings; data: what was learnt from, with its
    licences."""

    system: str
    config: dict[str, Any]
    step: int
    weights: dict[str, torch.Tensor]
    training: dict[str, Any]
    recipe: dict[str, Any]
    data: dict[str, Any]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Writes whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save({"format": FORMAT, **vars(checkpoint)}, partial)
    partial.rename(path)


def load(path: Path) -> Checkpoint:
    """Raises ModelError where the file is none of ours, or damaged."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        found = values.pop("format")
        checkpoint = Checkpoint(**values)
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist: a checkpoint made by `facewire train` was expected") from None
    except Exception as error:
        raise ModelError(f"{path} is not a checkpoint of `facewire train`, or it is damaged ({error})") from error
    if found != FORMAT:
        raise ModelError(f"{path} has checkpoint format {found}, this program reads format {FORMAT}")
    return checkpoint


def current_commit() -> str:
    """The commit that a run is made with, or nothing outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
    return found.stdout.strip()
