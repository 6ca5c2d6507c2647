"""`facewire train`: a generator's weights from speech video. Interrupted, it goes on from its last checkpoint."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", type=Path, required=True, help="GRID folder: SPEAKER/CODE.mpg or .mkv")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run; goes on where a checkpoint is in it")
    parser.add_argument("--preset", default="live", choices=("live", "lite", "paper"), help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=8000, help="optimiser steps (%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="prepared clips (%(default)s)")
    parser.add_argument("--held-out", default="s31,ua,s27", help="speakers never to learn from (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--perceptual", type=float, default=0.07, help="weight of the VGG loss, 0 for none (%(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 takes all (%(default)s)")


def run(args: argparse.Namespace) -> int:
    import logging
    import os

    import torch

    from realtime.generators.registry import system
    from training.augmentation import AugmentationConfig
    from training.corpora import grid
    from training.dataset import BatchConfig, SpeechVideo
    from training.preprocessing import prepare_corpus
    from training.recipes import tcsan
    from training.split import by_speaker

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(args.threads or os.cpu_count() or 1)
    kind = system("tcsan")
    config = kind.preset(args.preset)
    held_out = tuple(args.held_out.split(","))
    learn, test = by_speaker(grid.find_clips(args.corpus), held_out)
    prepared = prepare_corpus(learn, args.cache)
    speakers, held = sorted({clip.speaker for clip in prepared}), ", ".join(held_out)
    print(f"learning from {len(prepared)} clips of {len(speakers)} speakers; never seen: {len(test)} clips of {held}")
    data = SpeechVideo(
        prepared,
        window_offset_hops=config.window_offset_hops,
        lookahead=int(kind.build(config).lookahead),  # type: ignore[arg-type]
        batch=BatchConfig(),
        augmentation=AugmentationConfig(),
        seed=args.seed,
    )
    origin = {
        "corpus": grid.NAME,
        "licence": grid.LICENCE,
        "clips": len(prepared),
        "speakers": speakers,
        "held_out": list(held_out),
        "command": f"facewire train --preset {args.preset} --steps {args.steps} --held-out {args.held_out} --seed {args.seed}",
    }
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"curves: tensorboard --logdir {args.out}")
    recipe = tcsan.Recipe(steps=args.steps, seed=args.seed, perceptual=args.perceptual)
    checkpoint = tcsan.train(config, recipe, data, args.out, origin)
    print(f"done: {checkpoint}\nnext: facewire export {checkpoint} {args.out}/model")
    return 0
