"""`facewire render`: a portrait and a sound file become a film."""

import argparse
import time
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("portrait", type=Path, help="photograph of one face: JPEG, PNG or WebP")
    parser.add_argument("sound", type=Path, help="speech in any format that FFmpeg reads")
    parser.add_argument("film", type=Path, help="MP4 file to write")
    parser.add_argument("--model", type=Path, help="model folder (the default one is built in)")
    parser.add_argument("--size", type=int, default=512, choices=(256, 384, 512, 768), help="side in pixels (%(default)s)")
    parser.add_argument("--runner", choices=("openvino", "onnx", "torch"), help="(what the model was exported for)")


def run(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from realtime.engine import Engine
    from realtime.errors import PortraitError
    from realtime.portrait import prepare_portrait
    from realtime.render import FRAME_RATE, render_film
    from realtime.runners.runner import load_runner
    from realtime.weights import default_model

    try:
        photograph = args.portrait.read_bytes()
    except OSError as error:
        raise PortraitError("unreadable", f"{args.portrait} cannot be read ({error.strerror}).") from error
    portrait = prepare_portrait(photograph, args.size)
    runner = load_runner(args.model or default_model(), args.runner)
    started = time.monotonic()
    with Engine(runner) as engine, tqdm(unit="frame", desc=str(args.film)) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        n_frames = render_film(portrait, args.sound, args.film, engine, progress)
    took = time.monotonic() - started
    seconds = n_frames / FRAME_RATE
    print(f"{args.film}: {seconds:.1f} s of film in {took:.1f} s ({seconds / took:.1f} times real time)")
    return 0
