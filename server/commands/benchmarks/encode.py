"""`facewire bench encode`."""

import argparse
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)
    parser.add_argument("--seconds", type=float, default=10, help="of speech (%(default)s)")
    parser.add_argument("--portraits", nargs="+", default=["eileen-collins"], metavar="ID", help="of the gallery (%(default)s)")


def run(args: argparse.Namespace) -> "Report":
    from server.bench import encode

    return encode.run(model=args.model, size=args.size, speech=args.speech, seconds=args.seconds, portraits=args.portraits)
