"""`facewire train`: a generator's weights from speech video. Interrupted, it goes on from its last checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.corpora.clip import Clip
    from training.preprocessing import PreparedClip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", type=Path, required=True, help="GRID folder: SPEAKER/CODE.mpg or .mkv")
    parser.add_argument("--system", default="tcsan", choices=("tcsan",), help="(%(default)s)")
    parser.add_argument("--preset", default="live", choices=("live", "lite", "paper"), help="(%(default)s)")
    parser.add_argument("--out", type=Path, help="folder of this run; goes on where a checkpoint is in it (runs/PRESET)")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="prepared clips (%(default)s)")
    parser.add_argument("--steps", type=int, default=8000, help="optimiser steps (%(default)s)")
    parser.add_argument("--held-out", default="s31,ua,s27", help="speakers never to learn from (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--perceptual", type=float, default=0.07, help="weight of the VGG loss, 0 for none (%(default)s)")
    parser.add_argument("--voices", type=Path, help="folder of Kokoro's voices: every clip is heard in a synthetic one too")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 takes all (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError before any work is done where a setting, the corpus or the perceptual weights are missing."""
    import logging
    import os

    import torch

    from realtime.generators.registry import system
    from training.augmentation import AugmentationConfig
    from training.corpora import grid
    from training.dataset import BatchConfig, SpeechVideo
    from training.losses import perceptual
    from training.preprocessing import prepare_corpus
    from training.recipes import tcsan
    from training.split import by_speaker, speakers_named
    from training.synthetic.dubbing import Sentence, make_dubs
    from training.synthetic.kokoro import NAME as KOKORO

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threads = args.threads if args.threads > 0 else len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    recipe = tcsan.Recipe(steps=args.steps, seed=args.seed, perceptual=args.perceptual)
    if recipe.perceptual:
        perceptual.weights_file()
    learn, test = by_speaker(grid.find_clips(args.corpus), speakers_named(args.held_out))
    print(f"{grid.NAME}: {len(learn)} clips to learn from, {len(test)} held out; prepared in {args.cache}")
    prepared = prepare_corpus(learn, args.cache, workers=threads)
    origin = {"corpus": grid.NAME, "licence": grid.LICENCE, "attribution": grid.ATTRIBUTION} | _origin(prepared, test, args)
    dubs = None
    if args.voices:
        texts = {clip.key: clip.text for clip in learn}
        sentences = [Sentence(key=clip.key, text=texts[clip.key], pcm=clip.pcm) for clip in prepared]
        dubs = make_dubs(sentences, args.cache / "dubs", args.voices, count=1, seed=args.seed, workers=threads)
        origin["voices"] = f"{sum(map(len, dubs.values()))} dubs by {KOKORO}"
    kind = system(args.system)
    config = kind.preset(args.preset)
    print(f"{len(prepared)} clips of {', '.join(origin['speakers'])} as many voices: a few minutes for a large corpus")
    data = SpeechVideo(
        prepared,
        window_offset_hops=config.window_offset_hops,
        lookahead=int(kind.build(config).lookahead),  # type: ignore[arg-type]
        batch=BatchConfig(),
        augmentation=AugmentationConfig(),
        seed=args.seed,
        dubs=dubs,
    )
    out = args.out or Path("runs") / args.preset
    out.mkdir(parents=True, exist_ok=True)
    print(f"learning {args.system}, preset {args.preset}, {args.steps} steps, into {out}")
    print(f"curves: tensorboard --logdir {out}")
    checkpoint = tcsan.train(config, recipe, data, out, origin)
    print(f"done: {checkpoint}")
    print(f"next: facewire export {checkpoint} {out}/model")
    print(f"then: facewire evaluate {out}/model --corpus {args.corpus} --held-out {args.held_out}")
    return 0


def _origin(prepared: list[PreparedClip], test: list[Clip], args: argparse.Namespace) -> dict[str, Any]:
    """What was learnt from and what was not: kept in the checkpoint, and in the manifest of every model made of it."""
    return {
        "clips": len(prepared),
        "speakers": sorted({clip.speaker for clip in prepared}),
        "held_out": sorted({clip.speaker for clip in test}),
        "held_out_clips": len(test),
        "command": f"facewire train --system {args.system} --preset {args.preset} --steps {args.steps} "
        f"--held-out {args.held_out} --seed {args.seed} --perceptual {args.perceptual:g}"
        + " --voices VOICES"
        * bool(args.voices),
    }
