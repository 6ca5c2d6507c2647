"""`facewire synthesize`: speech video with exact labels, made from packages alone. Interrupted, it goes on where it was."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, help="folder of the corpus; goes on where clips are in it")
    parser.add_argument("--voices", type=Path, required=True, help="folder of Kokoro's voices (make voices)")
    parser.add_argument("--clips", type=int, default=100, help="how many in all (%(default)s)")
    parser.add_argument("--portraits", type=Path, help="folder of photographs to animate (shipped portraits)")
    parser.add_argument("--heads", type=int, default=8, help="rendered heads beside the photographs (%(default)s)")
    parser.add_argument("--size", type=int, default=256, help="of a frame, pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--workers", type=int, help="processes (the processor's cores)")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError where a setting is wrong, a package is missing, or the folder is of another recipe. Ends with 1 where
    labels do not fit."""
    import logging
    import os

    from realtime.errors import ConfigError
    from training.synthetic.production import CHECKS, SHEET, Recipe, check_all, draw_sheet, make_clips

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.clips < 1 or args.heads < 0 or args.size % 16 or not 128 <= args.size <= 640:
        raise ConfigError(
            f"--clips {args.clips} --heads {args.heads} --size {args.size}: at least one clip, no fewer than 0 heads, and a size "
            "of 128 to 640 that 16 divides were expected"
        )
    recipe = Recipe(seed=args.seed, size=args.size, portraits=args.portraits, heads=args.heads)
    workers = args.workers or len(os.sched_getaffinity(0))
    films = make_clips(recipe, args.voices, args.out, args.clips, workers)
    if not films:
        raise ConfigError(f"not one of {args.clips} clips could be made: the reasons stand above")
    checks = check_all(films, args.out)
    draw_sheet(films, args.out / SHEET)
    failed = [check.clip for check in checks if not check.passed]
    print(f"{len(films)} clips of {len(recipe.actors)} actors in {args.out}; look at {args.out / SHEET}")
    print(f"labels that fit the pictures: {len(checks) - len(failed)} of {len(checks)} ({args.out / CHECKS})")
    print(f"next: facewire corpus {args.out}")
    return 1 if failed else 0
