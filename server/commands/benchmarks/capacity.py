"""`facewire bench capacity`."""

import argparse
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--size", type=int, nargs="+", default=[256, 512], choices=(256, 384, 512), help="pictures' sides (256 512)"
    )
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2], help="cores that the server has (1 2)")
    add_speech(parser)
    parser.add_argument("--seconds", type=float, default=10, help="length of a level's measurement (%(default)s)")
    parser.add_argument("--room", type=int, metavar="N", help="instead: N people in one room, each of whom sees and hears all")


def run(args: argparse.Namespace) -> "Report":
    from server.bench import capacity, room

    if args.room is not None:
        return room.run(
            model=args.model, sizes=args.size, n_cores=args.cores, people=args.room, speech=args.speech, seconds=args.seconds
        )
    return capacity.run(model=args.model, sizes=args.size, n_cores=args.cores, speech=args.speech, seconds=args.seconds)


def record_name(args: argparse.Namespace) -> str:
    """A room's figures are of another kind."""
    return "capacity" if args.room is None else "room"
