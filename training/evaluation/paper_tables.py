"""A paper's table in its own form: what was measured here, and the published figures beside it.

The two sides are not measured alike: other test speakers and crops, and action units from another source than OpenFace. Rows
may be compared within a side, never across. A row is the model of that name (`gru`, `rec-per-id`, ...): name model folders so.
The papers publish nothing of lip-sync: ours, of the same films, stands in a second table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from training.evaluation.lip_columns import HEADINGS, lip_cells, still_cells
from training.evaluation.published_tables import COLUMNS, FIGURES, PAPER_OF, PUBLISHED, SAME_AS
from training.evaluation.stored import Stored, must_compare, stored_evaluations

STILL, OTHER = "portrait repeated", "other sentence"
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
    source = first["model"].get("action_units_by")
    units = f"action units by {source}" if source else "no action units judged"
    parts = [slice(0, len(FIGURES)), slice(len(FIGURES), None)]
    return "\n".join(
        [
            f"### Table {table} of {PAPER_OF[table]}",
            "",
            f"Ours: {first['summary']['clips']} clips of {', '.join(first['summary']['speakers'])}, {units}. {APART}",
            "",
            *(line for part in parts if COLUMNS[table][part] for line in _both_sides(table, found, part)),
            *_lips(table, found),
            "",
        ]
    )


def _both_sides(table: str, found: Mapping[str, Stored], part: slice) -> list[str]:
    """Some of the table's columns, ours and the published, and the controls below."""
    columns = COLUMNS[table][part]
    names = [name for name, *_ in columns]
    nothing = [NOTHING] * len(names)

    def line(label: str, ours: list[str], published: list[str]) -> str:
        return f"| {' | '.join([label, *ours, '', *published])} |"

    lines = [line("", [f"ours: {name}" for name in names], [f"published: {name}" for name in names])]
    lines.append("|---" * (2 + 2 * len(names)) + "|")
    for row, (label, published) in PUBLISHED[table].items():
        ours = _ours(found[row]["summary"]["pooled"]["generated"], columns) if row in found else nothing
        theirs = [f"{value:.{n}f}" for value, (*_, n) in zip(published[part], columns, strict=True)]
        lines.append(line(label, ours, theirs))
    pooled = {row: evaluation["summary"]["pooled"] for row, evaluation in found.items()}
    lines.append(line(f"control: {STILL}", _ours(next(iter(pooled.values()))[STILL], columns), nothing))
    lines += [line(f"control: {OTHER}, {row}", _ours(figures[OTHER], columns), nothing) for row, figures in pooled.items()]
    return [*lines, ""]


def _lips(table: str, found: Mapping[str, Stored]) -> list[str]:
    lines = ["Lip-sync of the same films, which the papers do not publish:", ""]
    lines += [f"|  | {' | '.join(HEADINGS)} |", "|---" * (1 + len(HEADINGS)) + "|"]
    for row, evaluation in found.items():
        pooled = evaluation["summary"]["pooled"]
        lines.append(f"| {PUBLISHED[table][row][0]} | {' | '.join(lip_cells(pooled['generated'], pooled[OTHER]))} |")
    still = next(iter(found.values()))["summary"]["pooled"][STILL]
    return [*lines, f"| control: {STILL} | {' | '.join(still_cells(still))} |"]


def _by_row(table: str, folder: Path) -> dict[str, Stored]:
    """The evaluations of the table's rows, in its order."""
    found: dict[str, Stored] = {}
    for path, evaluation in stored_evaluations(folder):
        name = evaluation["model"]["name"]
        name = name if name in PUBLISHED[table] else SAME_AS.get(name, name)
        if name in PUBLISHED[table]:
            if name in found:
                raise ConfigError(f"{path}: a second evaluation of {name}: one a row was expected")
            found[name] = evaluation
    if not found:
        raise ConfigError(f"{folder} has no evaluation of a model named {', '.join(PUBLISHED[table])}: one a row was expected")
    must_compare(list(found.values()))
    return {name: found[name] for name in PUBLISHED[table] if name in found}


def _ours(figures: Mapping[str, Any], columns: Sequence[tuple[str, str, int]]) -> list[str]:
    """Cells in the published units: accuracies are in per cent there, 0 to 1 in an evaluation."""
    cells = []
    for _, name, n in columns:
        value = figures.get(name)
        cells.append(NOTHING if value is None else f"{100 * value if name.endswith('accuracy') else value:.{n}f}")
    return cells
