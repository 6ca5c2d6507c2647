"""`facewire bench`: measurements that leave dated records. Each has its own file in `benchmarks/`."""

import argparse
import importlib
import shlex
import sys
from pathlib import Path

BENCHMARKS = {
    "generator": "what a frame costs, stage by stage, and how many calls a core carries",
    "latency": "from the microphone to the voice and to the moving mouth, in a real Chromium",
    "capacity": "calls at once until pictures come late; processor time and memory a call",
    "peers": "from a sound to voice and moving picture, of any server that speaks WebRTC",
    "soak": "calls that go on while others come, leave and vanish: what grows, what is left, who is served worse",
    "encode": "what a picture costs in each codec at each rate, and what is left of it",
    "bitrate": "what a face takes on the wire, and how near it comes: VP8, H264, motion stream",
}
"""Name: summary. The module of that name has `add_arguments(parser)` and `run(args) -> Report`; `record_name(args)` where its
records are of several kinds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="what", dest="what")
    for name, summary in BENCHMARKS.items():
        kind = kinds.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        importlib.import_module(f"server.commands.benchmarks.{name}").add_arguments(kind)
        kind.add_argument("--record", type=Path, metavar="FOLDER", help="keep a dated record there; without it, it is only shown")
        kind.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")


def run(args: argparse.Namespace) -> int:
    from server.bench import progress, record

    module = importlib.import_module(f"server.commands.benchmarks.{args.what}")
    machine = record.describe_machine()  # before the benchmark loads it, and a record changes the working tree
    try:
        title, figures, tables = module.run(args)
    finally:
        progress.done()
    name = module.record_name(args) if hasattr(module, "record_name") else args.what
    print("\n".join(tables))
    full = {"title": title, "command": shlex.join(["facewire", *sys.argv[1:]]), **figures, "machine": machine}
    if args.json is not None:
        record.write_json(args.json, full)
    if args.record is not None:
        print(f"kept: {record.write_record(args.record, name, full, tables)}")
    return 0
