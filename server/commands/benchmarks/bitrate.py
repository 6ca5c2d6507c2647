"""`facewire bench bitrate`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report

LINKS_KBPS = (1000.0, 256.0, 128.0, 64.0, 32.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)
    parser.add_argument("--portraits", nargs="*", metavar="ID", help="of the gallery (all of it; none: the links alone)")
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="write pictures there: rendered above, received below")
    parser.add_argument(
        "--links",
        type=float,
        nargs="*",
        default=LINKS_KBPS,
        metavar="KBPS",
        help="rates of links on which a call chooses its own picture (1000 256 128 64 32; none: no call is made)",
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long each link is measured (%(default)s)")


def run(args: argparse.Namespace) -> "Report":
    from server.bench import bitrate

    return bitrate.run(
        model=args.model,
        size=args.size,
        speech=args.speech,
        portraits=args.portraits,
        sheets=args.sheets,
        links=args.links,
        seconds=args.seconds,
    )


def record_name(args: argparse.Namespace) -> str:
    """The links alone are a record of their own."""
    return "links" if args.portraits == [] else "bitrate"
