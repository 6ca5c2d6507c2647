"""`facewire train`: a generator's weights from speech video. Interrupted, it goes on from its last checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.corpora.clip import Clip
    from training.preprocessing import PreparedClip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        action="append",
        help="a corpus as it was unpacked, or its manifest (docs/training.md); again for more: speakers are held out of the "
        "first, the others are learnt from whole",
    )
    parser.add_argument(
        "--system",
        "--variant",
        default="tcsan",
        metavar="NAME",
        help="tcsan or recurrent_gan; of tcsan another fusion (gru, tcn, attention_tcn, co_attention_tcn); or a row of a "
        "paper's table with its losses and rate: 3:gru to 3:tcsan and 6:rec to 6:full of tcsan, 2:rec to 2:full of "
        "recurrent_gan; or one of the lookahead study, future:5 to future:unlimited (%(default)s)",
    )
    parser.add_argument(
        "--preset", default="live", choices=("live", "lite", "paper"), help="recurrent_gan has no lite (%(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of this run; goes on where a checkpoint is in it; prepared clips go beside it, into `cache` "
        "(runs/PRESET, of system 2 runs/recurrent_gan-PRESET)",
    )
    parser.add_argument(
        "--steps",
        type=_steps,
        default=(None, 8000),
        metavar="[LIPS+]STEPS",
        help="optimiser steps, and before them those in which system 1 learns to hear lips' motion, without pictures "
        "(1500+8000; none of the first in rows of a table and with paper, where it is not said)",
    )
    parser.add_argument(
        "--held-out", default="s31,ua,s27", help="speakers never to learn from, or `paper` for the published split (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--perceptual", type=float, default=0.07, help="weight of the VGG loss, 0 for none (%(default)s)")
    parser.add_argument("--voices", type=Path, help="folder of Kokoro's voices: every clip is heard in a synthetic one too")
    parser.add_argument(
        "--action-units",
        default="none",
        metavar="SOURCE",
        help="labels: none, geometric (pseudo-labels, thresholds on landmarks), regressor (of landmarks, learnt from synthetic "
        "clips), openface:FOLDER (OpenFace 2.x) "
        "or controls:FOLDER of a synthetic corpus (%(default)s)",
    )


def _steps(word: str) -> tuple[int | None, int]:
    """`8000` or `1500+8000`: steps on lips, None where nothing is said of them, and those that draw."""
    lips, plus, drawn = word.rpartition("+")
    return (int(lips) if plus else None), int(drawn)


_steps.__name__ = "number of steps"


def _in_words(steps: tuple[int | None, int]) -> str:
    lips, drawn = steps
    return str(drawn) if lips is None else f"{lips}+{drawn}"


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError before any work is done where a setting, the corpus or the perceptual weights are missing."""
    import logging
    import os

    import torch

    from realtime.generators.registry import system
    from training.action_units.labels import label_clips, label_source
    from training.augmentation import AugmentationConfig
    from training.corpora.mixture import read
    from training.dataset import BatchConfig, SpeechVideo
    from training.losses import perceptual
    from training.recipes.chosen import chosen
    from training.synthetic.dubbing import Sentence, make_dubs
    from training.synthetic.kokoro import NAME as KOKORO
    from training.voice_cache import hear_all

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    source = label_source(args.action_units)
    recipe = chosen(
        args.system,
        args.preset,
        steps=args.steps[1],
        seed=args.seed,
        perceptual=args.perceptual,
        labelled=source is not None,
        lip_steps=args.steps[0],
    )
    if recipe.perceptual:
        perceptual.weights_file()
    mixture = read(args.corpus, args.held_out)
    out = args.out or Path("runs") / (args.preset if recipe.system == "tcsan" else f"{recipe.system}-{args.preset}")
    cache = out.parent / "cache"
    print(f"to learn from: {mixture.in_words()}, prepared in {cache}")
    print(f"not learnt from: {len(mixture.test)} clips of other speakers, {len(mixture.left_out)} of these")
    prepared = mixture.prepare(cache, workers=threads)
    labels = label_clips(source, prepared) if source else None
    if labels:
        prepared = [clip for clip in prepared if clip.key in labels.clips]
        print(f"action units by {labels.source}: {labels.in_words()} of the frames")
    origin = mixture.origin() | _origin(prepared, mixture.test, mixture.left_out, args)
    origin |= labels.origin() if labels else {}
    dubs = None
    if args.voices:
        texts = {clip.key: clip.text for clip in mixture.learn}
        sentences = [Sentence(key=clip.key, text=texts[clip.key], pcm=clip.pcm) for clip in prepared if clip.key in texts]
        dubs = make_dubs(sentences, cache / "dubs", args.voices, count=1, seed=args.seed, workers=threads)
        origin["voices"] = f"{sum(map(len, dubs.values()))} dubs by {KOKORO}"
    augmentation = AugmentationConfig()
    data = SpeechVideo(
        prepared,
        window_offset_hops=recipe.config.window_offset_hops,
        lookahead=int(system(recipe.system).build(recipe.config).lookahead),
        batch=BatchConfig(),
        augmentation=augmentation,
        seed=args.seed,
        heard=hear_all(prepared, augmentation, args.seed, cache / "voices", dubs, workers=threads),
        labels=labels.clips if labels else None,
        added=mixture.added_keys,
    )
    out.mkdir(parents=True, exist_ok=True)
    print(f"learning {recipe.system}, preset {args.preset}, {_in_words(args.steps)} steps, into {out}")
    print(f"curves: tensorboard --logdir {out}")
    checkpoint = recipe.train(data, out, origin)
    print(f"done: {checkpoint}")
    print(f"next: facewire export {checkpoint} {out}/model")
    print(f"then: facewire evaluate {out}/model --corpus {args.corpus[0]} --held-out {args.held_out}")
    return 0


def _origin(prepared: list[PreparedClip], test: list[Clip], left_out: list[Clip], args: argparse.Namespace) -> dict[str, Any]:
    """What was learnt from and what was not: kept in the checkpoint, and in the manifest of every model made of it."""
    from training.split import PAPER

    return {
        "clips": len(prepared),
        "speakers": sorted({clip.speaker for clip in prepared}),
        "held_out": sorted({clip.speaker for clip in test}),
        "held_out_clips": len(test),
        "split": PAPER if args.held_out.strip() == PAPER else "speakers",
        "clips_left_out": [clip.key for clip in left_out],
        "command": f"facewire train{' --corpus CORPUS' * len(args.corpus)} --preset {args.preset} "
        f"--steps {_in_words(args.steps)} "
        f"--held-out {args.held_out} --seed {args.seed} --perceptual {args.perceptual:g}"
        + " --voices VOICES" * bool(args.voices)
        + f" --system {args.system}" * (args.system != "tcsan")
        + f" --action-units {args.action_units.partition(':')[0]}" * (args.action_units != "none"),
    }
