"""Figures of single clips → figures of a model: pooled, by speaker, and against the controls, each with its interval.

`generated`: the clip's own sound drives its first frame. `portrait repeated`: the first frame, still. `other sentence`: the
right face driven by another sentence's sound, of the same speaker where there is one.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from training.evaluation.figures import Figures
from training.evaluation.intervals import difference, interval

ROWS = ("generated", "portrait repeated", "other sentence")
CONTROLS = ROWS[1:]
ClipFigures = dict[str, Figures]  # by row


def summarise(figures: dict[str, ClipFigures]) -> dict[str, Any]:
    """Figures by clip key → means over clips; the lag is the median, in frames.

    `pooled`: by row, with `FIGURE_interval` beside each; `differences`: generated − control by control and figure; `speakers`:
    the same of each speaker's clips; `speakers_alike`: means over speakers, each counting once however many clips it has.
    """
    by_speaker: dict[str, list[ClipFigures]] = defaultdict(list)
    for key, rows in figures.items():
        by_speaker[key.split("/")[0]].append(rows)
    speakers = {speaker: _speaker(clips) for speaker, clips in by_speaker.items()}
    everything = list(figures.values())
    return {
        "clips": len(figures),
        "pooled": {row: _pool([clip[row] for clip in everything]) for row in ROWS},
        "differences": _differences(everything),
        "speakers": speakers,
        "speakers_alike": {row: _means([speaker[row] for speaker in speakers.values()]) for row in ROWS},
    }


def _speaker(clips: list[ClipFigures]) -> dict[str, Any]:
    pooled = {row: _pool([clip[row] for clip in clips]) for row in ROWS}
    means = {row: {name: value for name, value in pooled[row].items() if not name.endswith("_interval")} for row in ROWS}
    intervals = {row: {name: pooled[row][f"{name}_interval"] for name in means[row]} for row in ROWS}
    return means | {"clips": len(clips), "intervals": intervals, "differences": _differences(clips)}


def _pool(rows: list[Figures]) -> dict[str, Any]:
    pooled: dict[str, Any] = dict(_means(rows))
    for name in rows[0]:
        pooled[f"{name}_interval"] = interval([row[name] for row in rows], _statistic(name))
    return pooled


def _differences(clips: list[ClipFigures]) -> dict[str, Any]:
    """A difference of lags says nothing (a still portrait has none), nor does one of the real film's own jitter."""
    names = [name for name in clips[0][ROWS[0]] if not name.endswith(("_lag", "_real"))]
    return {
        control: {name: difference([c[ROWS[0]][name] for c in clips], [c[control][name] for c in clips]) for name in names}
        for control in CONTROLS
    }


def _means(rows: list[Figures]) -> Figures:
    return {name: float(_statistic(name)([row[name] for row in rows])) for name in rows[0]}


def _statistic(name: str) -> Any:
    return np.median if name.endswith("_lag") else np.mean
