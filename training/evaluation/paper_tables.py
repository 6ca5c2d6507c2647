"""A paper's table in its own form: what was measured here, and the published figures beside it.

The two sides are not measured alike: other test speakers and crops, and action units from another source than OpenFace. Rows
may be compared within a side, never across. A row is the model of that name (`gru`, `rec-per-id`, ...): name model folders so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from training.evaluation.published_tables import COLUMNS, PAPER_OF, PUBLISHED
from training.evaluation.stored import Stored, must_compare, stored_evaluations

CONTROLS = ("portrait repeated", "other sentence")
NOTHING = "–"
APART = (
    "Published: GRID, six test speakers, action units by OpenFace. The two sides are not measured alike: compare rows within a "
    "side, never across."
)


def paper_table(table: str, folder: Path) -> str:
    """Markdown of a table from every `evaluation.json` in the folder and below; rows without a model stay empty.

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
            f"### Table {table} of {PAPER_OF[table]}",
            "",
            f"Ours: {first['summary']['clips']} clips of {', '.join(first['summary']['speakers'])}, {units}. {APART}",
            "",
            *lines,
            "",
        ]
    )


def _by_row(table: str, folder: Path) -> dict[str, Stored]:
    """The evaluations of the table's rows, in its order."""
    found: dict[str, Stored] = {}
    for path, evaluation in stored_evaluations(folder):
        name = evaluation["model"]["name"]
        if name in PUBLISHED[table]:
            if name in found:
                raise ConfigError(f"{path}: a second evaluation of {name}: one a row was expected")
            found[name] = evaluation
    if not found:
        raise ConfigError(f"{folder} has no evaluation of a model named {', '.join(PUBLISHED[table])}: one a row was expected")
    must_compare(list(found.values()))
    return {name: found[name] for name in PUBLISHED[table] if name in found}


def _ours(figures: Mapping[str, Any], table: str) -> list[str]:
    """Cells in the published units: accuracies are in per cent there, 0 to 1 in an evaluation."""
    cells = []
    for _, name, n in COLUMNS[table]:
        value = figures.get(name)
        cells.append(NOTHING if value is None else f"{100 * value if name.endswith('accuracy') else value:.{n}f}")
    return cells
