"""`python -m training.action_units.fit_regressor SYNTHETIC --cache CACHE --record docs/results`: learns the landmark regressor
from synthetic clips, judges it on actors that it did not see, and writes both down.
"""

import argparse
import logging
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.action_units.controls import SyntheticControls
from training.action_units.geometric import Thresholds, geometric_units
from training.action_units.labels import ACTION_UNITS, Labels
from training.action_units.landmark_regressor import WEIGHTS, Weights, features, found
from training.action_units.scores import Scores, unit_scores
from training.corpora import registry
from training.preprocessing import prepare_corpus

RIDGE = 300.0  # of the features' variance, over all of them; from 0.3 to 300 the mean F1 on unseen actors goes from 0.55 to 0.57
RARE = 0.01  # share of frames: what occurs less counts as if it did
STEPS = np.linspace(0.02, 0.98, 49)  # strengths that are tried as the one from which on a unit occurs


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """One clip: landmarks [T, K, 2] (KEPT_LANDMARKS, crop pixels) and what its controls say [T, 5]."""

    actor: str
    landmarks: NDArray[np.float32]
    labels: Labels


def main() -> None:
    """Reads the clips, judges each actor by the others, learns from all, writes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args = _arguments()
    clips = _labelled(args.synthetic, args.cache)
    actors = sorted({clip.actor for clip in clips})
    rows = "\n".join(
        (_row("landmark regressor", *judged(clips, actors)), _row("geometric pseudo-labels", *_pooled(clips, _rules)))
    )
    print(rows)
    weights = fit(clips)
    np.savez_compressed(args.out, strengths=weights.strengths.astype(np.float32), occurs=weights.occurs.astype(np.float32))
    if args.record:
        _record(args.record, rows, len(clips), actors)


def fit(clips: Sequence[Labelled]) -> Weights:
    """Strengths by ridge regression on 0 and 1, in which a unit's presence counts as much as its absence, then for each unit the
    threshold with the best F1 on the same frames."""
    x = np.concatenate([features(clip.landmarks) for clip in clips])
    y = np.concatenate([clip.labels for clip in clips])
    scale = x.std(0) + 1e-3
    scale[-1] = 1
    scaled = x / scale
    ridge = RIDGE * len(x) / x.shape[1] * np.eye(x.shape[1])
    ridge[-1, -1] = 0  # a constant costs nothing
    strengths, occurs = np.zeros((x.shape[1], y.shape[1])), np.zeros(y.shape[1])
    for unit, on in enumerate(y.T):
        rate = np.clip(on.mean(), RARE, 1 - RARE)
        counts = np.where(on, 0.5 / rate, 0.5 / (1 - rate))[:, None]
        strengths[:, unit] = np.linalg.solve((scaled * counts).T @ scaled + ridge, (scaled * counts).T @ on) / scale
        told = x @ strengths[:, unit]
        occurs[unit] = STEPS[np.argmax([_f1(told >= step, on) for step in STEPS])]
    return Weights(strengths=strengths, occurs=occurs)


def judged(clips: Sequence[Labelled], actors: Sequence[str]) -> tuple[Labels, Labels]:
    """What is found and what is so [N, 5], of all frames, each actor's by weights that were fitted to the others."""
    parts = []
    for actor in actors:
        weights = fit([clip for clip in clips if clip.actor != actor])
        parts += [(found(clip.landmarks, weights), clip.labels) for clip in clips if clip.actor == actor]
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def _pooled(clips: Sequence[Labelled], source: Callable[[NDArray[np.float32]], Labels]) -> tuple[Labels, Labels]:
    return np.concatenate([source(clip.landmarks) for clip in clips]), np.concatenate([clip.labels for clip in clips])


def _rules(landmarks: NDArray[np.float32]) -> Labels:
    return geometric_units(landmarks, Thresholds())


def _f1(on: NDArray[np.bool_], so: NDArray[np.bool_]) -> float:
    return float(2 * (on & so).sum() / max(1, on.sum() + so.sum()))


def _labelled(folder: Path, cache: Path) -> list[Labelled]:
    _, clips = registry.load(folder)
    source = SyntheticControls(folder)
    return [
        Labelled(actor=clip.speaker, landmarks=clip.landmarks, labels=source.of(clip)) for clip in prepare_corpus(clips, cache)
    ]


def _row(name: str, on: Labels, so: Labels) -> str:
    scores: Scores = unit_scores(on, so)
    return f"| {name} | " + " | ".join(f"{s['f1']:.2f} / {100 * s['accuracy']:.0f} %" for s in scores.values()) + " |"


def _record(folder: Path, rows: str, n_clips: int, actors: Sequence[str]) -> None:
    units = " | ".join(ACTION_UNITS)
    today = datetime.now(UTC).date().isoformat()
    (folder / f"{today}-landmark-regressor.md").write_text(
        f"""# Action units from landmarks

{today}, {platform.processor() or platform.machine()}, Python {platform.python_version()}.

    python -m training.action_units.fit_regressor SYNTHETIC --cache CACHE --record docs/results

{n_clips} clips of `facewire synthesize`, of the actors {", ".join(actors)}.
What landmarks that were tracked in the films say, against the controls that the films were made with: F1 / accuracy of all
frames. The regressor's frames of an actor are judged by weights that were fitted to the other actors; the shipped weights are
fitted to all. The pseudo-labels are thresholds and were fitted to nobody. A unit that is always there in a clip, as part of a
mood, cannot be told from that clip's rest: in these clips AU14 and AU20 are nearly always of that kind.

| source | {units} | average |
|---|{"---|" * (len(ACTION_UNITS) + 1)}
{rows}
"""
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("synthetic", type=Path, help="folder of `facewire synthesize`")
    parser.add_argument("--cache", type=Path, required=True, help="for prepared clips, as `facewire train` makes it beside --out")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="(%(default)s)")
    parser.add_argument("--record", type=Path, help="folder for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
