"""`facewire bench bitrate`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)
    parser.add_argument("--portraits", nargs="+", metavar="ID", help="of the gallery (all of it)")
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="write pictures there: rendered above, received below")


def run(args: argparse.Namespace) -> "Report":
    from server.bench import bitrate

    return bitrate.run(model=args.model, size=args.size, speech=args.speech, portraits=args.portraits, sheets=args.sheets)
