"""One file a benchmark: its flags, and what it measures with them. Nothing heavy is imported before it runs."""

import argparse
from pathlib import Path

SPEECH = Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "speech.wav"


def add_speech(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speech", type=Path, default=SPEECH, help="sound file that is spoken (the repository's own recording)")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="model folder (the default one is built in)")


def add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, choices=(256, 384, 512), help="side of the picture (%(default)s)")
