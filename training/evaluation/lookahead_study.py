"""How much of the future a mouth needs: models that differ in it alone, in a table and on one plot with the delay it costs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from training.evaluation.lip_columns import CORRELATIONS, HEADINGS, NOTHING, lip_cells, still_cells
from training.evaluation.stored import Stored, must_compare, stored_evaluations

TABLE = "lookahead"
UNLIMITED_MS = 400  # more than any bounded row: drawn apart, beyond a break in the axis


@dataclass(frozen=True, kw_only=True)
class LookaheadRow:
    """future_ms: all the future audio a frame of this model needs; pooled: its figures with intervals; other, still: those of
    the controls, another sentence and the repeated portrait."""

    future_ms: int
    name: str
    pooled: dict[str, Any]
    other: dict[str, Any]
    still: dict[str, Any]


def lookahead_rows(folder: Path) -> list[LookaheadRow]:
    """The evaluations under a folder, by their models' future.

    Raises ConfigError where there are fewer than two, two of one future, or where they cannot be compared.
    """
    found: dict[int, Stored] = {}
    for path, evaluation in stored_evaluations(folder):
        future_ms = int(evaluation["model"]["future_ms"])
        if future_ms in found:
            raise ConfigError(f"{path}: a second model with {future_ms} ms of future audio: one each was expected")
        found[future_ms] = evaluation
    if len(found) < 2:
        raise ConfigError(f"{folder} has evaluations of {len(found)} models: at least two were expected")
    must_compare(list(found.values()))
    return [
        LookaheadRow(
            future_ms=future_ms,
            name=evaluation["model"]["name"],
            pooled=evaluation["summary"]["pooled"]["generated"],
            other=evaluation["summary"]["pooled"]["other sentence"],
            still=evaluation["summary"]["pooled"]["portrait repeated"],
        )
        for future_ms, evaluation in sorted(found.items())
    ]


def rest_of_the_chain_ms(record: Path) -> float:
    """What a call adds to the future audio, from a record of `facewire bench latency`: p50 of microphone to mouth, less the
    future of the model that it was measured with.

    Raises ConfigError where the file is no such record.
    """
    try:
        values = json.loads(record.read_text())
        return float(values["mic_to_mouth_ms"]["p50"]) - float(values["configuration"]["future_ms"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{record} is no record of `facewire bench latency --json` ({error!r})") from error


def lookahead_table(rows: list[LookaheadRow], rest_ms: float | None = None) -> str:
    """Markdown; with `rest_ms`, the delay from microphone to mouth that each row would have in a call."""
    head = ["future audio, ms", *([] if rest_ms is None else ["microphone to mouth, ms"])]
    head += HEADINGS
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [str(row.future_ms), *([] if rest_ms is None else [f"{row.future_ms + rest_ms:.0f}"])]
        cells += lip_cells(row.pooled, row.other)
        lines.append(f"| {' | '.join(cells)} |")
    control = ["portrait repeated", *([] if rest_ms is None else [NOTHING]), *still_cells(rows[0].still)]
    return "\n".join([*lines, f"| {' | '.join(control)} |", ""])


def draw(rows: list[LookaheadRow], path: Path, rest_ms: float | None = None) -> None:
    """Detail correlation of opening and width over the future audio, 95 % intervals as bars, the control dashed; on a second axis
    the delay from microphone to mouth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    at = [min(row.future_ms, UNLIMITED_MS) for row in rows]
    for (label, name), colour in zip(CORRELATIONS, ("#1f6feb", "#c2410c"), strict=True):
        values = [row.pooled[name] for row in rows]
        intervals = [row.pooled.get(f"{name}_interval") or (v, v) for row, v in zip(rows, values, strict=True)]
        low = [value - interval[0] for value, interval in zip(values, intervals, strict=True)]
        high = [interval[1] - value for value, interval in zip(values, intervals, strict=True)]
        axes.errorbar(at, values, yerr=(low, high), marker="o", capsize=3, color=colour, label=f"{label}")
        axes.plot(at, [row.other[name] for row in rows], "--", color=colour, alpha=0.6, label=f"{label}, other sentence")
    axes.set_xticks(at, [str(row.future_ms) for row in rows])
    axes.set_xlabel("future audio that a frame waits for, ms (the last: all that the network reaches)")
    axes.set_ylabel("detail correlation with the real lips")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    if rest_ms is not None:
        top = axes.secondary_xaxis("top")
        top.set_xticks(at, [f"{row.future_ms + rest_ms:.0f}" for row in rows])
        top.set_xlabel("microphone to mouth, p50, ms")
    figure.savefig(path)
