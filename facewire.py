"""The command `facewire`: a thin dispatcher. Each command's own file is imported only when it is called."""

import argparse
import importlib
import sys
from importlib import metadata

from realtime.errors import FacewireError

# name: (module, one line of help, the extra that it needs)
COMMANDS = {
    "serve": ("server.commands.serve", "a server: open its page, speak, and see a portrait speak", None),
    "render": ("realtime.commands.render", "a film from a portrait and a sound file", None),
    "train": ("training.commands.train", "a generator's weights from speech video", "train"),
    "evaluate": ("training.commands.evaluate", "lip-sync and picture figures on unseen speakers", "train"),
    "export": ("export.commands.export", "a model folder from a checkpoint, proven equal to it", "train"),
    "bench": ("server.commands.bench", "delay, speed and capacity, as dated records", None),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 2 something the user can mend, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="facewire", description="A face for your voice, live, over WebRTC.")
    parser.add_argument("--version", action="version", version=f"facewire {metadata.version('facewire')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    name = words[0] if words and words[0] in COMMANDS else None
    module = None
    for command, (path, summary, extra) in COMMANDS.items():
        sub = commands.add_parser(command, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if command == name:
            module = _load(path, extra)
            module.add_arguments(sub)
    args = parser.parse_args(words)
    try:
        return int(importlib.import_module(COMMANDS[args.command][0]).run(args))
    except ImportError as error:
        return _missing(error, COMMANDS[args.command][2])
    except FacewireError as error:
        print(f"facewire {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _load(path: str, extra: str | None):  # type: ignore[no-untyped-def]
    try:
        return importlib.import_module(path)
    except ImportError as error:
        sys.exit(_missing(error, extra))


def _missing(error: ImportError, extra: str | None) -> int:
    if extra is None:
        raise error
    print(f'this command needs the extra "{extra}" ({error}): pip install "facewire[{extra}]"', file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
