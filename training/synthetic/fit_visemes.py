"""`python -m training.synthetic.fit_visemes CORPUS --cache CACHE --voices VOICES --record docs/results`: fits the visemes to a
GRID folder's clips, judges them on clips and speakers that they were not fitted to, and writes both down.
"""

import argparse
import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.corpora.clip import Clip
from training.corpora.grid import find_clips
from training.evaluation import lips
from training.preprocessing import prepare_corpus
from training.synthetic import coarticulation, viseme_fit
from training.synthetic.coarticulation import Responses, mouth_motion
from training.synthetic.dubbing import Sentence, make_dubs
from training.synthetic.kokoro import Kokoro
from training.synthetic.viseme_fit import Curves, Example

SEED = 1
EVERY = 6  # of the clips that are learnt from, the share of one in six is judged instead


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over clips: detail correlation of opening and width, that of another clip's motion, and spreads against the real
    ones."""

    clips: int
    opening: float
    width: float
    opening_mismatched: float
    width_mismatched: float
    opening_spread: float
    width_spread: float

    def row(self, name: str) -> str:
        """Of the table."""
        figures = (
            self.opening,
            self.width,
            self.opening_mismatched,
            self.width_mismatched,
            self.opening_spread,
            self.width_spread,
        )
        written = ("–" if np.isnan(figure) else f"{figure:.2f}" for figure in figures)
        return f"| {name} | {self.clips} | " + " | ".join(written) + " |"


def main() -> None:
    """Reads the corpus, fits, judges, writes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args = _arguments()
    clips = {clip.key: clip for clip in find_clips(args.corpus)}
    held_out = set(args.held_out.split(","))
    examples = _examples(list(clips.values()), args)
    known = [example for example in examples if example.speaker not in held_out]
    judged = known[::EVERY]
    learnt = [example for index, example in enumerate(known) if index % EVERY]
    responses = viseme_fit.fit(learnt)
    rows = _rows(judged, [example for example in examples if example.speaker in held_out], responses)
    table = "\n".join(rows)
    print(table)
    with args.out.open("wb") as file:
        np.savez_compressed(
            file,
            weights=responses.weights.astype(np.float16),
            gain=responses.gain.astype(np.float32),
            speakers=np.array(responses.speakers),
        )
    if args.record:
        _record(args, table, len(learnt), responses)


def score(examples: list[Example], units_of: Callable[[Example], Curves]) -> Score:
    """units_of: the mouth's strengths for a clip. The mismatched control: the next clip's motion against this one's lips."""
    found, controls = [], []
    motions = [_moved(example, units_of(example)) for example in examples]
    for index, example in enumerate(examples):
        real = viseme_fit.motion(example.landmarks)
        figures = [lips.detail_correlation(a, b) for a, b in zip(motions[index], real, strict=True)]
        spreads = [float(a.std() / max(b.std(), 1e-9)) for a, b in zip(motions[index], real, strict=True)]
        found.append(figures + spreads)
        if len(examples) > 1:
            other = motions[(index + 1) % len(examples)]
            controls.append([lips.detail_correlation(a, b) for a, b in zip(other, real, strict=True)])
    means, control = np.mean(found, 0), np.mean(controls or [[np.nan] * 2], 0)
    return Score(
        clips=len(examples),
        opening=means[0],
        width=means[1],
        opening_mismatched=control[0],
        width_mismatched=control[1],
        opening_spread=means[2],
        width_spread=means[3],
    )


def _moved(example: Example, units: Curves) -> tuple[Curves, Curves]:
    """Opening and width of the clip's own closed mouth, moved."""
    gap, _ = viseme_fit.motion(example.landmarks)
    rest = np.median(example.landmarks[gap <= np.quantile(gap, viseme_fit.CLOSED_SHARE)], 0)
    return viseme_fit.motion(viseme_fit.predicted_landmarks(units, rest))


def _rows(judged: list[Example], unseen: list[Example], responses: Responses) -> list[str]:
    """The table, line by line."""

    def ruled(example: Example) -> Curves:
        return mouth_motion(example.features, responses)

    rows = [
        "| clips | number | opening | width | opening, other clip | width, other clip | opening's spread | width's spread |",
        "|---|---|---|---|---|---|---|---|",
        score(judged, ruled).row("known speakers, clips not learnt from"),
    ]
    for name, group in (("known", judged), ("unseen", unseen)):
        for speaker in sorted({example.speaker for example in group}):
            own = [example for example in group if example.speaker == speaker]
            rows += [score(own, ruled).row(f"{name} speaker {speaker}")]
    rows.append(score(unseen, ruled).row("unseen speakers, all"))
    rows.append(score(judged + unseen, lambda example: example.units).row("the real lips, as action units"))
    return rows


def _examples(clips: list[Clip], args: argparse.Namespace) -> list[Example]:
    prepared = prepare_corpus(clips, args.cache)
    texts = {clip.key: clip.text for clip in clips}
    sentences = [Sentence(key=clip.key, text=texts[clip.key], pcm=clip.pcm) for clip in prepared]
    dubs = make_dubs(sentences, args.cache / "dubs", args.voices, count=1, seed=SEED)
    kokoro = Kokoro(args.voices)
    bar = tqdm([clip for clip in prepared if dubs[clip.key]], desc="reading lips and phone times", unit="clip")
    return [
        viseme_fit.example(clip, dubs[clip.key][0], texts[clip.key], kokoro, seed=SEED, cache=args.cache / "phones")
        for clip in bar
    ]


def _record(args: argparse.Namespace, table: str, n_learnt: int, responses: Responses) -> None:
    args.record.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = args.record / f"{now:%Y-%m-%d}-visemes.md"
    command = "python -m training.synthetic.fit_visemes CORPUS --cache CACHE --voices VOICES --record docs/results"
    path.write_text(
        f"# Rule-made lips against real ones\n\n{now:%Y-%m-%d}, {_machine()}, Python {platform.python_version()}.\n\n"
        f"    {command}\n\n"
        f"Visemes fitted to {n_learnt} GRID clips of {', '.join(responses.speakers)}; every sixth clip of theirs, and the\n"
        f"speakers {args.held_out}, were kept out. Detail correlation at lag 0 (docs/evaluation.md). The rules know the phones,\n"
        "when they are spoken (a synthetic voice's phone times, warped onto the clip) and how loud it is; they have never seen\n"
        f"the clip. Spreads are against the real lips' own.\n\n{table}\n"
    )
    print(f"recorded in {path}")


def _machine() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="of prepared clips, as facewire train has it")
    parser.add_argument("--voices", type=Path, required=True, help="folder of Kokoro's voices")
    parser.add_argument("--held-out", default="s31,ua,s27", help="speakers never to fit to (%(default)s)")
    parser.add_argument("--out", type=Path, default=coarticulation.FILE, help="(%(default)s)")
    parser.add_argument("--record", type=Path, help="write the figures to this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
