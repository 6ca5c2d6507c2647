"""Evaluations that `facewire evaluate` wrote, read again for a table of several."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError

Stored = dict[str, Any]  # model, summary, silence, upper_face_scale, clips: as evaluate.Evaluation


def stored_evaluations(folder: Path) -> Iterator[tuple[Path, Stored]]:
    """Each model's evaluation in every `evaluation.json` in the folder and below, and the file it stands in.

    Raises ConfigError for a file that is none.
    """
    for path in sorted(folder.rglob("evaluation.json")):
        try:
            evaluations = json.loads(path.read_text())
            for evaluation in evaluations:
                evaluation["model"]["name"], evaluation["clips"], evaluation["summary"]["pooled"]["generated"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is no evaluation by `facewire evaluate` ({error})") from error
        yield from ((path, evaluation) for evaluation in evaluations)


def summaries(folder: Path) -> list[Stored]:
    """Every evaluation under a folder without its single clips: what a table is made of."""
    return [
        {name: value for name, value in evaluation.items() if name != "clips"} for _, evaluation in stored_evaluations(folder)
    ]


def must_compare(evaluations: Sequence[Stored]) -> None:
    """Raises ConfigError where models were judged on different clips or by different sources of action units."""
    first = evaluations[0]
    for evaluation in evaluations[1:]:
        name = evaluation["model"]["name"]
        if set(evaluation["clips"]) != set(first["clips"]):
            raise ConfigError(f"{name} was evaluated on other clips than {first['model']['name']}: their rows cannot be compared")
        if evaluation["model"].get("action_units_by") != first["model"].get("action_units_by"):
            raise ConfigError(f"{name} was judged by another source of action units than {first['model']['name']}")
