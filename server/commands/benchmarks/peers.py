"""`facewire bench peers`."""

import argparse
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    where = "where the server takes offers, such as http://127.0.0.1:8080/whip?portrait=ID"
    parser.add_argument("--url", required=True, help=where)
    parser.add_argument("--signalling", choices=("whip", "json"), default="whip", help="how it takes them (%(default)s)")
    parser.add_argument("--token", help="what a WHIP server asks for")
    add_speech(parser)
    parser.add_argument("--seconds", type=float, default=60, help="length of the measured call (%(default)s)")


def run(args: argparse.Namespace) -> "Report":
    import asyncio

    from server import aiortc_adjustments
    from server.bench import material, peers
    from server.bench.record import table

    aiortc_adjustments.apply()
    whip, json = peers.WhipPeer(url=args.url, token=args.token), peers.JsonPeer(url=args.url)
    peer: peers.Peer = whip if args.signalling == "whip" else json
    pcm = material.bursts(material.read_speech(args.speech))
    figures = asyncio.run(peers.measure(peer, pcm, args.seconds))
    named = {"microphone → voice": figures["mic_to_voice_ms"], "microphone → picture moves": figures["mic_to_mouth_ms"]}
    rows = [(name, *((values or {}).get(key) for key in ("p50", "p95", "p99", "n"))) for name, values in named.items()]
    return f"Delay of {args.url}, aiortc as caller", figures, [table(("ms", "p50", "p95", "p99", "bursts"), rows)]
