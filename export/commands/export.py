"""`facewire export`: a checkpoint becomes a model folder, or a smaller checkpoint."""

import argparse
import json
from pathlib import Path

from realtime.errors import ConfigError
from realtime.weights import default_checkpoint

CHECKPOINT = "checkpoint"
TARGETS = ("openvino", "openvino-int8", "onnx", "torch", "aotinductor", "tensorrt", CHECKPOINT)
MOST = 256
DEFAULT, UNTRAINED = "default", "untrained:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint",
        help="checkpoint.pt of a `facewire train` run; `default`: the built-in model's; `untrained:SYSTEM/PRESET`: random "
        "weights, to measure speed with",
    )
    parser.add_argument(
        "folder", type=Path, help="model folder to write, or the file of `--to checkpoint`; replaced where it exists"
    )
    parser.add_argument(
        "--to",
        default="openvino",
        choices=TARGETS,
        help="what will run it; checkpoint: the weights alone in half precision, to pass on (%(default)s)",
    )
    parser.add_argument(
        "--batch", default="1,4,8", help="batch sizes of graphs that are fixed to one (%(default)s); OpenVINO and torch take any"
    )
    parser.add_argument("--figures", type=Path, help="JSON of a `facewire evaluate` run, kept in the manifest")


def run(args: argparse.Namespace) -> int:
    from export.export import export
    from export.half_checkpoint import halve

    if args.checkpoint.startswith(UNTRAINED):
        from export.untrained import export_untrained

        found = export_untrained(args.checkpoint.removeprefix(UNTRAINED), args.to, args.folder, batch_sizes(args.batch))
        print(f"{args.folder}: has learnt nothing, and says what the generator says ({found})")
        return 0
    checkpoint = default_checkpoint() if args.checkpoint == DEFAULT else Path(args.checkpoint)
    if args.to == CHECKPOINT:
        print(f"{args.folder}: shows what {checkpoint} shows ({halve(checkpoint, args.folder)})")
        return 0
    figures = json.loads(args.figures.read_text()) if args.figures else None
    found = export(checkpoint, args.to, args.folder, figures, batch_sizes(args.batch))
    print(f"{args.folder}: says what the generator says ({found})")
    return 0


def batch_sizes(text: str) -> tuple[int, ...]:
    """`1,4,8` → (1, 4, 8).

    Raises ConfigError.
    """
    try:
        sizes = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        sizes = ()
    if not sizes or sizes[0] < 1 or sizes[-1] > MOST:
        raise ConfigError(f"batch sizes {text!r}: numbers from 1 to {MOST} with commas between them were expected, such as 1,4,8")
    return sizes
