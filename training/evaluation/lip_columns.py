"""Lip-sync and picture figures of several models, a line each, as every table of ours has them: with intervals, beside the other
sentence's."""

from collections.abc import Mapping
from typing import Any

CORRELATIONS = (("opening", "opening"), ("width", "width"))
COLUMNS = (
    ("opening", "opening", ".2f"),
    ("lag", "opening_lag", "z.0f"),
    ("width", "width", ".2f"),
    ("spread", "opening_spread", ".2f"),
    ("registered PSNR", "psnr_lower_aligned", ".2f"),
    ("registered SSIM", "ssim_lower_aligned", ".3f"),
)
HEADINGS = (*(heading for heading, _, _ in COLUMNS), "other sentence: opening", "width")
NOTHING = "–"


def lip_cells(pooled: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """A model's cells under HEADINGS. pooled, other: the figures of its films, and of those driven by another sentence; one that
    was not measured, or is None, is a dash."""
    cells = [_with_interval(pooled, name, form) for _, name, form in COLUMNS]
    return cells + [_number(other.get(name), ".2f") for _, name in CORRELATIONS]


def still_cells(still: Mapping[str, Any]) -> list[str]:
    """The repeated portrait's cells: its pictures alone, for its lips do not move."""
    return lip_cells({name: value for name, value in still.items() if name.startswith(("psnr", "ssim"))}, {})


def _with_interval(pooled: Mapping[str, Any], name: str, form: str) -> str:
    interval = pooled.get(f"{name}_interval")
    value = _number(pooled.get(name), form)
    if interval is None or name.endswith("_lag"):
        return value
    return f"{value} ({_number(interval[0], form)} to {_number(interval[1], form)})"


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)
