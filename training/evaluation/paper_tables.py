"""Tables 3 and 6 of papers/1 in their own form: what was measured here, and the published figures beside it.

The two sides are not measured alike: other test speakers and crops, and action units from another source than OpenFace. Rows
may be compared within a side, never across. A row is the model of that name (`gru`, `rec-per-id`, ...): name model folders so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError

UNITS = ("AU10", "AU14", "AU20", "AU25", "AU26")
FIGURES = (("PSNR", "psnr", 3), ("SSIM", "ssim", 3), ("F1", "au_f1", 3), ("Acc.", "au_accuracy", 2))
UNIT_FIGURES = tuple(
    (f"{unit} {short}", f"{unit.lower()}_{name}", n)
    for unit in UNITS
    for short, name, n in (("F1", "f1", 3), ("Acc.", "accuracy", 2))
)
COLUMNS = {"3": FIGURES, "6": FIGURES + UNIT_FIGURES}

# fmt: off
# Row name: (its label in the paper, its published figures on GRID's test set in COLUMNS' order).
PUBLISHED: dict[str, dict[str, tuple[str, tuple[float, ...]]]] = {
    "3": {
        "gru": ("GRU", (29.403, 0.753, 0.735, 79.27)),
        "tcn": ("TCN", (29.671, 0.765, 0.739, 79.45)),
        "attention-tcn": ("Mh-att+TCN", (29.757, 0.766, 0.740, 79.55)),
        "co-attention-tcn": ("Co-att+TCN", (29.720, 0.765, 0.740, 79.50)),
        "tcsan": ("TCSAN", (29.817, 0.767, 0.744, 80.01)),
    },
    "6": {
        "rec": ("Baseline (rec)", (
            28.681, 0.746, 0.725, 77.77,
            0.745, 71.14, 0.477, 82.01, 0.762, 74.86, 0.939, 89.21, 0.703, 71.65,
        )),
        "rec-per": ("rec, per", (
            28.897, 0.748, 0.732, 78.76,
            0.771, 75.99, 0.501, 82.95, 0.742, 74.26, 0.940, 89.10, 0.708, 71.50,
        )),
        "rec-per-id": ("rec, per, id", (
            29.403, 0.753, 0.735, 79.27,
            0.757, 74.87, 0.516, 82.20, 0.774, 79.13, 0.943, 89.75, 0.685, 70.41,
        )),
        "tcsan": ("rec, per, id + TCSAN", (
            29.817, 0.767, 0.744, 80.01,
            0.756, 74.34, 0.500, 83.03, 0.797, 80.23, 0.946, 90.22, 0.723, 72.21,
        )),
        "tcsan-au": ("rec, per, id, au + TCSAN", (
            29.809, 0.767, 0.746, 80.19,
            0.752, 74.33, 0.517, 82.76, 0.795, 81.17, 0.947, 90.34, 0.719, 72.34,
        )),
        "full": ("Full model (+ Audio2AU)", (
            29.971, 0.772, 0.751, 81.15,
            0.781, 78.17, 0.486, 82.93, 0.813, 81.26, 0.947, 90.42, 0.727, 72.98,
        )),
    },
}
# fmt: on
CONTROLS = ("portrait repeated", "other sentence")
NOTHING = "–"
APART = (
    "Published: GRID, six test speakers, action units by OpenFace. The two sides are not measured alike: compare rows within a "
    "side, never across."
)


def paper_table(table: str, folder: Path) -> str:
    """Markdown of table 3 or 6 from every `evaluation.json` in the folder and below; rows without a model stay empty.

    Raises ConfigError for another table, where no row has a model, and where models were judged on different clips or by
    different sources of action units.
    """
    if table not in PUBLISHED:
        raise ConfigError(f"no form for table {table!r}: one of {', '.join(PUBLISHED)} was expected")
    found = _by_row(table, folder)
    first = next(iter(found.values()))
    names = [name for name, *_ in COLUMNS[table]]
    head = ["", *(f"ours: {name}" for name in names), "", *(f"published: {name}" for name in names)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row, (label, published) in PUBLISHED[table].items():
        ours = found[row]["summary"]["pooled"]["generated"] if row in found else {}
        theirs = [f"{value:.{n}f}" for value, (*_, n) in zip(published, COLUMNS[table], strict=True)]
        lines.append(f"| {label} | {' | '.join(_ours(ours, table))} |  | {' | '.join(theirs)} |")
    for row, evaluation in found.items():
        for control in CONTROLS:
            cells = _ours(evaluation["summary"]["pooled"][control], table)
            lines.append(f"| control: {control}, {row} | {' | '.join(cells)} |  | {' | '.join([NOTHING] * len(names))} |")
    source = first["model"].get("action_units_by")
    units = f"action units by {source}" if source else "no action units judged"
    return "\n".join(
        [
            f"### Table {table} of papers/1",
            "",
            f"Ours: {first['summary']['clips']} clips of {', '.join(first['summary']['speakers'])}, {units}. {APART}",
            "",
            *lines,
            "",
        ]
    )


def _by_row(table: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The evaluations of the table's rows, in its order."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("evaluation.json")):
        for evaluation in _read(path):
            name = evaluation["model"]["name"]
            if name in PUBLISHED[table]:
                if name in found:
                    raise ConfigError(f"{path}: a second evaluation of {name}: one a row was expected")
                found[name] = evaluation
    if not found:
        raise ConfigError(f"{folder} has no evaluation of a model named {', '.join(PUBLISHED[table])}: one a row was expected")
    first = next(iter(found.values()))
    for name, evaluation in found.items():
        if set(evaluation["clips"]) != set(first["clips"]):
            raise ConfigError(f"{name} was evaluated on other clips than {first['model']['name']}: their rows cannot be compared")
        if evaluation["model"].get("action_units_by") != first["model"].get("action_units_by"):
            raise ConfigError(f"{name} was judged by another source of action units than {first['model']['name']}")
    return {name: found[name] for name in PUBLISHED[table] if name in found}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        evaluations = json.loads(path.read_text())
        for evaluation in evaluations:
            evaluation["model"]["name"], evaluation["clips"], evaluation["summary"]["pooled"]["generated"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no evaluation by `facewire evaluate` ({error})") from error
    return list(evaluations)


def _ours(figures: Mapping[str, Any], table: str) -> list[str]:
    """Cells in the published units: accuracies are in per cent there, 0 to 1 in an evaluation."""
    cells = []
    for _, name, n in COLUMNS[table]:
        value = figures.get(name)
        cells.append(NOTHING if value is None else f"{100 * value if name.endswith('accuracy') else value:.{n}f}")
    return cells
