"""An evaluation in words: the Markdown table that goes into docs/results/."""

from typing import Any

from training.evaluation.evaluate import ROWS, Evaluation

HEAD = "| | PSNR | SSIM | PSNR, lower face | SSIM, lower face | opening | lag | width | lag | spread |"


def markdown(evaluations: list[Evaluation]) -> str:
    """One block a model, rows as in `evaluate.ROWS`; a control that has no motion has no correlation."""
    parts = []
    for found in evaluations:
        model, pooled = found.model, found.summary["pooled"]
        title = f"### {model['name']}: {model['system']}, preset {model['preset']}, {model['future_ms']} ms of future audio"
        lines = [title, "", f"{found.summary['clips']} clips of unseen speakers.", "", HEAD, "|---|" + "---|" * 9]
        lines += [_row(row, pooled[row]) for row in ROWS]
        low, high = pooled["generated"]["opening_interval"]
        lines += ["", f"Detail correlation of the opening, 95 % interval over clips: {low:.2f} to {high:.2f}."]
        lines += ["", "| speaker | clips | opening | other sentence's | lag | width | spread |", "|---|---|---|---|---|---|---|"]
        for speaker, rows in found.summary["speakers"].items():
            own, other = rows["generated"], rows["other sentence"]
            lines.append(
                f"| {speaker} | {rows['clips']} | {own['opening']:.2f} | {other['opening']:.2f} | {own['opening_lag']:g} "
                f"| {own['width']:.2f} | {own['opening_spread']:.2f} |"
            )
        spreads = ", ".join(
            f"{name.replace('_', ' ')} {100 * value:.2f} %" for name, value in found.silence.items() if name != "recorded_clips"
        )
        lines += ["", f"Spread of the opening in silence, of the eye distance: {spreads}.", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _row(name: str, figures: dict[str, Any]) -> str:
    pictures = f"| {figures['psnr']:.2f} | {figures['ssim']:.3f} | {figures['psnr_lower']:.2f} | {figures['ssim_lower']:.3f} "
    if name == "portrait repeated":
        return f"| {name} {pictures}| – | – | – | – | 0 |"
    motion = (
        f"| {figures['opening']:.2f} | {figures['opening_lag']:g} | {figures['width']:.2f} | {figures['width_lag']:g} "
        f"| {figures['opening_spread']:.2f} |"
    )
    return f"| {name} {pictures}{motion}"
