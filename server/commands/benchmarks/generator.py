"""`facewire bench generator`."""

import argparse
from typing import TYPE_CHECKING

from server.commands.benchmarks import add_model, add_size, add_speech

if TYPE_CHECKING:
    from server.bench.record import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_size(parser)
    add_speech(parser)


def run(args: argparse.Namespace) -> "Report":
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
