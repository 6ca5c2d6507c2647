"""`python -m training.evaluation.foretold_lips GRID --record docs/results`: how well a voice foretells lips at all, before a
picture is drawn.

The speech side of the default, one twice as wide, and the default with other amounts of future, each taught lips alone (the
first stage of every run, `training/recipes/lips_first.py`) and judged by its linear layer's opening and width, on speakers and
clips that it did not hear. What these numbers miss no drawing can bring back; what a drawn face has less is lost on the way to
the picture.
"""

import argparse
import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.generators.tcsan.config import TcsanConfig, live
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.model_spec import future_ms
from training import checkpoint as checkpoints
from training.augmentation import AugmentationConfig
from training.corpora.mixture import read
from training.dataset import BatchConfig, SpeechVideo, slice_windows
from training.evaluation import lips
from training.evaluation.intervals import interval
from training.evaluation.lookahead_study import LookaheadRow, draw, rest_of_the_chain_ms
from training.lip_targets import lip_targets
from training.preprocessing import PreparedClip, prepare_corpus
from training.recipes import lips_first
from training.recipes.chosen import LIP_STEPS
from training.recipes.lips_first import ForetoldLips, LipsRecipe, Run, learn_lips
from training.recipes.lookahead import NAMES, PREFIX, with_future
from training.split import GRID_HELD_OUT
from training.voice_cache import HeardClip, hear_all

SEED = 1
OPENING, WIDTH = 0, 1  # of the numbers that are foretold


def rows() -> dict[str, TcsanConfig]:
    """What is compared: by name, the generator's shape."""
    wide = replace(live(), audio_channels=40, au_channels=32, au_hidden=64, fusion_channels=512)
    amounts = (name.removeprefix(PREFIX) for name in NAMES)
    futures = {f"{n} ms of future" if n.isdigit() else f"{n} future": with_future(PREFIX + n, live()) for n in amounts}
    return {"the default": live(), "twice as wide": wide} | {name: config for name, config in futures.items() if config != live()}


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Clips and their sound as MFCC, in one order."""

    clips: Sequence[PreparedClip]
    sounds: Sequence[HeardClip]


def taught(config: TcsanConfig, learn: Heard, steps: int, folder: Path, *, bf16: bool = True) -> ForetoldLips:
    """The network after so many steps; what is in `folder` is gone on with, or taken as it is where it has them all."""
    torch.manual_seed(SEED)
    generator = TcsanGenerator(config)
    data = SpeechVideo(
        list(learn.clips),
        window_offset_hops=config.window_offset_hops,
        lookahead=int(generator.lookahead),
        batch=BatchConfig(),
        augmentation=AugmentationConfig(),
        seed=SEED,
        heard=learn.sounds,
    )
    generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
    generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(
        folder=folder, system="tcsan", config=config.to_dict(), settings={"steps": steps}, origin={"clips": len(learn.clips)}
    )
    learn_lips(generator, data, LipsRecipe(steps=steps, bf16=bf16), run)
    network = ForetoldLips(generator, data.lip_numbers)
    network.load_state_dict(checkpoints.load(folder / lips_first.FILE).training["network"])
    return network.eval()


@torch.inference_mode()
def foretold(network: ForetoldLips, mfcc: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    """MFCC [n_hops, 12] of a whole clip → the numbers of its frames [T, N]; after the clip there is silence."""
    generator = network.generator
    windows = slice_windows(mfcc, 0, n_frames + generator.lookahead, generator.config.window_offset_hops)  # type: ignore[attr-defined]
    return np.asarray(network(torch.from_numpy(windows)[None])[0, :n_frames])


def figures(network: ForetoldLips, judged: Heard) -> dict[str, list[float]]:
    """Detail correlation of opening and width with the real lips, clip by clip, and with the lips of the clip before."""
    told = [foretold(network, sound.own[0], len(clip.crops)) for clip, sound in zip(judged.clips, judged.sounds, strict=True)]
    real = [lip_targets(clip.landmarks) for clip in judged.clips]

    def against(others: Sequence[NDArray[np.float32]], number: int) -> list[float]:
        pairs = [(a[:, number].astype(np.float64), b[:, number].astype(np.float64)) for a, b in zip(told, others, strict=True)]
        return [lips.detail_correlation(a, b) for a, b in pairs]

    before = real[-1:] + real[:-1]
    return {
        "opening": against(real, OPENING),
        "width": against(real, WIDTH),
        "opening, other": against(before, OPENING),
        "width, other": against(before, WIDTH),
    }


def study_row(name: str, config: TcsanConfig, found: dict[str, list[float]]) -> LookaheadRow:
    """A row as the lookahead study draws it; its pictures are none, so its repeated portrait has no figures."""
    pooled: dict[str, Any] = {}
    for number in ("opening", "width"):
        pooled |= {number: float(np.mean(found[number])), f"{number}_interval": interval(found[number])}
    other = {number: float(np.mean(found[f"{number}, other"])) for number in ("opening", "width")}
    return LookaheadRow(future_ms=int(_future(config)), name=name, pooled=pooled, other=other, still={})


def main() -> None:
    """Teaches and judges row by row, and writes the table down after each."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args = _arguments()
    workers = len(os.sched_getaffinity(0))
    torch.set_num_threads(workers)
    mixture = read([args.corpus], args.held_out)
    cache = args.out.parent / "cache"

    def heard(clips: list[PreparedClip]) -> Heard:
        return Heard(clips=clips, sounds=hear_all(clips, AugmentationConfig(), SEED, cache / "voices", workers=workers))

    learn = heard(mixture.prepare(cache, workers=workers))
    sets = {
        "unseen speakers": heard(prepare_corpus(mixture.test, cache, workers)),
        "known speakers": heard(prepare_corpus(mixture.left_out, cache, workers)),
    }
    lines: list[str] = []
    futures: list[LookaheadRow] = []
    for name, config in rows().items():
        if args.only and name not in args.only:
            continue
        network = taught(config, learn, args.steps, args.out / name.replace(" ", "-"))
        found = {of: figures(network, judged) for of, judged in sets.items()}
        lines.append(_line(name, config, found))
        print(lines[-1])
        if config.fusion_channels == live().fusion_channels:
            futures.append(study_row(name, config, found["unseen speakers"]))
        if args.record:
            _record(args, lines, {of: len(judged.clips) for of, judged in sets.items()}, len(learn.clips))
            _draw(args, sorted(futures, key=lambda row: row.future_ms))


def _line(name: str, config: TcsanConfig, found: dict[str, dict[str, list[float]]]) -> str:
    weights = sum(weight.numel() for weight in lips_first.speech_side(TcsanGenerator(config), units=True))
    cells = [name, f"{weights / 1e6:.1f}", _future(config)]
    for values in found.values():
        cells += [_with_interval(values["opening"]), _with_interval(values["width"])]
        cells += [f"{np.mean(values['opening, other']):.2f}, {np.mean(values['width, other']):.2f}"]
    return "| " + " | ".join(cells) + " |"


def _future(config: TcsanConfig) -> str:
    return f"{future_ms(config.window_offset_hops, int(TcsanGenerator(config).lookahead)):g}"


def _with_interval(values: list[float]) -> str:
    low_high = interval(values)
    return f"{np.mean(values):.2f}" + (f" ({low_high[0]:.2f} to {low_high[1]:.2f})" if low_high else "")


def _draw(args: argparse.Namespace, futures: list[LookaheadRow]) -> None:
    draw(futures, _named(args.record, "png"), rest_of_the_chain_ms(args.latency) if args.latency else None)


def _named(folder: Path, ending: str) -> Path:
    return folder / f"{datetime.now(UTC).date().isoformat()}-foretold-lips.{ending}"


def _record(args: argparse.Namespace, lines: list[str], judged: dict[str, int], learnt: int) -> None:
    today, rows_so_far = datetime.now(UTC).date().isoformat(), "\n".join(lines)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    of = " | ".join(f"{name}: opening | width | of another sentence" for name in judged)
    options = f" --latency {args.latency}" if args.latency else ""
    options += f" --held-out {args.held_out}" if args.held_out != ",".join(GRID_HELD_OUT) else ""
    _named(args.record, "md").write_text(
        f"""# How well lips can be foretold

{today}, {machine}, Python {platform.python_version()}, torch {torch.__version__}.

    python -m training.evaluation.foretold_lips GRID --steps {args.steps}{options} --record docs/results

The speech side alone, taught {args.steps} steps on {learnt} clips in their own voices, and a linear layer's opening and width, as
numbers: no picture is drawn. Detail correlation at lag 0 (docs/evaluation.md) on
{" and ".join(f"{n} clips of {name}" for name, n in judged.items())}, with 95 % bootstrap intervals over clips; the control is the
same motion against the lips of another sentence, opening and width. The plot is of unseen speakers.

![detail correlation over the future audio]({today}-foretold-lips.png)

| speech side | million weights | future, ms | {of} |
|---|---|---|{"---|" * (3 * len(judged))}
{rows_so_far}
"""
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="GRID")
    parser.add_argument("--steps", type=int, default=LIP_STEPS, help="optimiser steps a row (%(default)s)")
    parser.add_argument(
        "--held-out", default=",".join(GRID_HELD_OUT), help="speakers never to learn from, or `paper` (%(default)s)"
    )
    parser.add_argument("--only", action="append", choices=tuple(rows()), help="this row; again for more (all)")
    parser.add_argument("--out", type=Path, default=Path("runs/foretold"), help="goes on where it was stopped (%(default)s)")
    parser.add_argument("--record", type=Path, help="folder for the table and the plot")
    parser.add_argument(
        "--latency", type=Path, help="record of `facewire bench latency`: the plot shows each row's delay in a call"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
