"""The command `facewire`: a thin dispatcher. A command's own module is imported only when that command is called."""

import argparse
import importlib
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from realtime.errors import FacewireError

INTERRUPTED = 130  # 128 + SIGINT, as shells count


@dataclass(frozen=True, kw_only=True)
class Command:
    """module: has `add_arguments(parser)` and `run(args) -> int`; summary: its line in `facewire --help`."""

    module: str
    summary: str


COMMANDS = {
    "serve": Command(module="server.commands.serve", summary="a server: open its page, speak, and see a portrait speak"),
    "render": Command(module="realtime.commands.render", summary="a film from a portrait and a sound file"),
    "corpus": Command(module="training.commands.corpus", summary="what a corpus folder holds, and its manifest of clips"),
    "synthesize": Command(module="training.commands.synthesize", summary="speech video with exact labels, from packages alone"),
    "train": Command(module="training.commands.train", summary="a generator's weights from speech video"),
    "paint": Command(module="training.commands.paint", summary="a second stage for the mouth's inside: teeth with edges"),
    "evaluate": Command(module="training.commands.evaluate", summary="lip-sync and picture figures on unseen speakers"),
    "export": Command(module="export.commands.export", summary="a model folder from a checkpoint, proven equal to it"),
    "bench": Command(module="server.commands.bench", summary="delay, speed and capacity, as dated records"),
}
EXTRA_OF = {
    "torch": "train",
    "tensorboard": "train",
    "skimage": "train",
    "torch_tensorrt": "tensorrt",
    "nncf": "int8",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "playwright": "dev",
}
"""Which extra of the distribution brings a module that the runtime goes without."""


class ShowVersion(argparse.Action):
    """--version, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(f"facewire {metadata.version('facewire')}")
        parser.exit()


def main(words: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 2 something that the user can mend, 130 interrupted."""
    words = sys.argv[1:] if words is None else words
    name = next((word for word in words if word in COMMANDS), None)
    try:
        return _run(name, words)
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        missing = f'{error.name} is not installed. Install it with: pip install "facewire[{extra}]"'
        print(f"facewire {name}: {missing}", file=sys.stderr)
        return 2
    except FacewireError as error:
        print(f"facewire {name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(name: str | None, words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="facewire", description="A face for your voice, live, over WebRTC.")
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and leave")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command, about in COMMANDS.items():
        described = about.summary[0].upper() + about.summary[1:] + "."
        subparser = commands.add_parser(command, help=about.summary, description=described)
        if command == name:
            module = importlib.import_module(about.module)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    args = parser.parse_args(words)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
