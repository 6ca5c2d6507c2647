"""`facewire bench soak`."""

import argparse
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)
    parser.add_argument("--calls", type=int, default=4, help="calls at once; half of them stay, half come and go (%(default)s)")
    parser.add_argument("--seconds", type=float, default=600, help="how long it goes on (%(default)s)")


def run(args: argparse.Namespace) -> "Report":
    from server.bench import soak

    return soak.run(model=args.model, size=args.size, calls=args.calls, speech=args.speech, seconds=args.seconds)
