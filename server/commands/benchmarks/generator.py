"""`facewire bench generator`."""

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
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--device", choices=("cuda", "cpu"), help="measure the step alone on torch's runners, at growing batches")
    alone.add_argument(
        "--precisions", action="store_true", help="measure the step alone in each of OpenVINO's precisions, side by side"
    )
    alone.add_argument(
        "--all",
        action="store_true",
        help="measure the step alone of every system and preset on every runner, with untrained weights; some ten minutes, "
        "most of them for exports",
    )


def record_name(args: argparse.Namespace) -> str:
    if args.all:
        return "generators"
    if args.precisions:
        return "precisions"
    return "generator" if args.device is None else f"generator-{args.device}"


def run(args: argparse.Namespace) -> "Report":
    from realtime.runners.openvino_floor import floor_of
    from realtime.runners.openvino_runner import OpenVinoRunner
    from realtime.runners.runner import load_runner
    from realtime.weights import default_model
    from server.bench import generator, material

    if args.all:
        return _all(args.model)
    if args.precisions:
        return _precisions(args.model or default_model())
    if args.device is not None:
        return _on_device(args.model, args.device)
    runner = load_runner(args.model or default_model())
    _, portrait = material.first_portrait(args.size)
    stages = generator.measure(runner, portrait, material.read_speech(args.speech))
    floor = floor_of(runner) if isinstance(runner, OpenVinoRunner) else None
    figures, tables = generator.report(stages, floor)
    spec = runner.spec
    configuration = {"model": f"{spec.system}/{spec.preset}", "head": spec.head, "size": args.size, "future_ms": spec.future_ms}
    if isinstance(runner, OpenVinoRunner):
        configuration["precision"] = runner.precision
    title = f"What a frame costs: {spec.system}/{spec.preset}, {args.size} px, {spec.target}"
    return title, {"configuration": configuration, **figures}, tables


def _all(model: Path | None) -> "Report":
    from realtime.errors import ConfigError
    from realtime.runners.untrained import names
    from server.bench import every_generator, material

    if model is not None:
        raise ConfigError(f"--model {model} came with --all, which exports its own folders: leave one of them out")
    figures, tables = every_generator.measure(material.first_portrait(256)[1], names(), every_generator.ways())
    configuration = {"batches": every_generator.BATCHES, "weights": "untrained", "threads": 1}
    return "The step alone: every system, preset and runner", {"configuration": configuration, **figures}, tables


def _precisions(model: Path) -> "Report":
    from realtime.model_spec import read_manifest
    from server.bench import material, precision_speed

    spec = read_manifest(model)
    figures, tables = precision_speed.measure(model, material.first_portrait(256)[1])
    title = f"The step in each precision: {spec.system}/{spec.preset}"
    return title, {"configuration": {"model": f"{spec.system}/{spec.preset}", "target": spec.target}, **figures}, tables


def _on_device(model: Path | None, device: str) -> "Report":
    from realtime.errors import ConfigError
    from realtime.model_spec import read_manifest
    from server.bench import material, step_speed

    if model is None:
        raise ConfigError("--device needs a folder exported with `--to torch`, aotinductor or tensorrt: name it with --model")
    spec = read_manifest(model)
    figures, tables = step_speed.measure(model, material.first_portrait(256)[1], device)
    title = f"The step alone: {spec.system}/{spec.preset}, {spec.target}, {device}"
    return title, {"configuration": {"model": f"{spec.system}/{spec.preset}", "target": spec.target}, **figures}, tables
