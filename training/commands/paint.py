"""`facewire paint`: a second stage of training, for the flow head's mouth alone."""

import argparse
from pathlib import Path

SMILING = Path(__file__).parents[2] / "web_client" / "portraits" / "eileen-collins.jpg"
LENT = 0.85  # share of examples that are lent teeth
MADE_UP = 0.6  # share of examples with other skin and lips than were recorded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt of a `facewire train` run whose head is `flow`")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus that it learnt from, or its manifest")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/painted"), help="goes on where a checkpoint is in it (%(default)s)"
    )
    parser.add_argument(
        "--smiling",
        type=Path,
        default=SMILING,
        help="photograph of somebody whose teeth portraits with closed lips get (Eileen Collins, as shipped)",
    )
    parser.add_argument("--steps", type=int, default=2000, help="optimiser steps (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Speakers that the first stage held out stay so.

    Raises ModelError, ConfigError, PortraitError.
    """
    import logging
    import os

    import torch

    from realtime.errors import PortraitError
    from realtime.generators.registry import system
    from realtime.portrait import prepare_portrait
    from training import checkpoint as checkpoints
    from training.augmentation import AugmentationConfig
    from training.corpora import registry
    from training.dataset import BatchConfig, SpeechVideo
    from training.losses import perceptual
    from training.preprocessing import prepare_corpus
    from training.recipes import paint
    from training.split import by_speaker
    from training.voice_cache import hear_all

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    perceptual.weights_file()
    try:
        smiling = prepare_portrait(args.smiling.read_bytes())
    except OSError as error:
        raise PortraitError("unreadable", f"{args.smiling} cannot be read ({error.strerror}): name a photograph") from error
    first = checkpoints.load(args.checkpoint)
    kind = system(first.system)
    config = kind.config_from_dict(first.config)
    _, clips = registry.load(args.corpus)
    learn, _ = by_speaker(clips, tuple(first.data["held_out"]))
    left_out = set(first.data.get("clips_left_out", ()))
    learn = [clip for clip in learn if clip.key not in left_out]
    cache, augmentation = args.out.parent / "cache", AugmentationConfig(variants=4)
    prepared = prepare_corpus(learn, cache, workers=threads)
    data = SpeechVideo(
        prepared,
        window_offset_hops=config.window_offset_hops,
        lookahead=int(kind.build(config).lookahead),
        batch=BatchConfig(drawn=8, dubbed=0, made_up=MADE_UP, smeared=True, lent=LENT),
        augmentation=augmentation,
        seed=args.seed,
        heard=hear_all(prepared, augmentation, args.seed, cache / "voices", workers=threads),
    )
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"painting, {args.steps} steps, into {args.out}; curves: tensorboard --logdir {args.out}")
    painted = paint.train(args.checkpoint, paint.PaintRecipe(steps=args.steps, seed=args.seed), data, args.out, smiling)
    print(f"done: {painted}")
    print(f"next: facewire export {painted} {args.out}/model")
    return 0
