"""`facewire bench`: measurements that leave dated records."""

import argparse
import shlex
import sys
from pathlib import Path

SPEECH = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "speech.wav"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("generator", "latency"), help="time a frame, stage by stage; or delay of a real call")
    parser.add_argument("--model", type=Path, help="model folder (the default one is built in)")
    parser.add_argument("--size", type=int, default=512, choices=(256, 384, 512), help="side of the picture (%(default)s)")
    parser.add_argument("--speech", type=Path, default=SPEECH, help="sound file that is spoken (the repository's own recording)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the measured call (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep the record there; without it, it is only shown")


def run(args: argparse.Namespace) -> int:
    from server.bench import record

    if args.what == "generator":
        title, figures, tables = _generator(args)
    else:
        title, figures, tables = _latency(args)
    print("\n".join(tables))
    if args.record is not None:
        command = shlex.join(["facewire", *sys.argv[1:]])
        path = record.write_record(args.record, args.what, {"title": title, "command": command, **figures}, tables)
        print(f"kept: {path}")
    return 0


def _generator(args: argparse.Namespace) -> tuple[str, dict[str, object], list[str]]:
    from realtime.runners.runner import load_runner
    from realtime.weights import default_model
    from server.bench import generator, material

    runner = load_runner(args.model or default_model())
    _, portrait = material.first_portrait(args.size)
    stages = generator.measure(runner, portrait, material.read_speech(args.speech))
    figures, tables = generator.report(stages)
    spec = runner.spec
    configuration = {"model": f"{spec.system}/{spec.preset}", "head": spec.head, "size": args.size, "future_ms": spec.future_ms}
    title = f"What a frame costs: {spec.system}/{spec.preset}, {args.size} px, OpenVINO"
    return title, {"configuration": configuration, **figures}, tables


def _latency(args: argparse.Namespace) -> tuple[str, dict[str, object], list[str]]:
    from server.bench import latency

    return latency.run(model=args.model, size=args.size, speech=args.speech, seconds=args.seconds)
