"""`facewire bench latency`."""

import argparse
from typing import TYPE_CHECKING

from server.bench.network import NETWORKS
from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


DEFAULT = "clean,lossy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)
    parser.add_argument("--seconds", type=float, default=60, help="length of the measured call (%(default)s)")
    parser.add_argument("--minutes", type=float, help="instead: one long call, measured piece by piece; whether anything drifts")
    parser.add_argument(
        "--networks",
        default=DEFAULT,
        help=f"what lies between browser and server, one call each, of {', '.join(NETWORKS)} (%(default)s)",
    )


def record_name(args: argparse.Namespace) -> str:
    """One of other networks than the default's leaves the default's record where it is."""
    kind, names = "latency" if args.minutes is None else "drift", _names(args.networks)
    return kind if names == _names(DEFAULT) else "-".join([kind, *names])


def run(args: argparse.Namespace) -> "Report":
    from realtime.errors import ConfigError
    from server.bench import drift, latency

    names = _names(args.networks)
    if unknown := [name for name in names if name not in NETWORKS]:
        raise ConfigError(f"--networks {', '.join(unknown)}: of {', '.join(NETWORKS)} was expected")
    networks = [NETWORKS[name] for name in names]
    if args.minutes is not None:
        return drift.run(model=args.model, size=args.size, speech=args.speech, minutes=args.minutes, networks=networks)
    return latency.run(model=args.model, size=args.size, speech=args.speech, seconds=args.seconds, networks=networks)


def _names(networks: str) -> list[str]:
    return [name.strip() for name in networks.split(",")]
