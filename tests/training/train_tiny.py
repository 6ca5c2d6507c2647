"""A whole training run in minutes: the miniature corpus, the real command, and a loss curve that must be the stored one.

    make train-tiny                    # compares; ARGS=--store stores this run's curve instead

The curve is the mean loss of each tenth of the run. Two machines do not add floats in one order, nor do two threads: one thread
learns, and a tenth may differ by TOLERANCE of itself. Two threads differed by 8 %, a run without the landmark losses by 60 %.
"""

import argparse
import json
import logging
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import facewire
from tests.training.make_corpus import make_corpus

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).with_name("train_tiny.json")
STEPS = 200
TENTHS = 10
TOLERANCE = 0.25
COMMAND = ["--preset", "lite", "--steps", f"50+{STEPS}", "--held-out", "s3", "--perceptual", "0"]


def main() -> int:
    parser = argparse.ArgumentParser(description="train on a miniature corpus and compare the loss curve with the stored one")
    parser.add_argument("--store", action="store_true", help="store this run's curve instead of comparing")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "tiny", help="emptied, then used (%(default)s)")
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    shutil.rmtree(args.folder, ignore_errors=True)
    corpus, run = make_corpus(args.folder / "corpus"), args.folder / "run"
    status = facewire.main(["train", "--corpus", str(corpus), "--out", str(run), *COMMAND])
    if status:
        return status
    found = curve(run / "tensorboard")
    if args.store:
        STORED.write_text(json.dumps({"steps": STEPS, "loss": found}) + "\n")
        print(f"stored in {STORED.relative_to(ROOT)}: {found}")
        return 0
    return compare(found, json.loads(STORED.read_text())["loss"])


def curve(folder: Path) -> list[float]:
    """The mean total loss of each tenth of the run."""
    logging.getLogger("tensorboard").setLevel(logging.WARNING)
    events = EventAccumulator(str(folder))
    events.Reload()
    losses = [event.value for event in events.Scalars("loss/total")]
    return [round(float(np.mean(part)), 4) for part in np.array_split(losses, TENTHS)]


def compare(found: list[float], stored: list[float]) -> int:
    """0 where the curves agree, 1 where they do not, both printed."""
    print("steps      loss    stored  difference")
    worst = 0.0
    for n, (here, there) in enumerate(zip(found, stored, strict=True)):
        difference = here / there - 1
        worst = max(worst, abs(difference))
        print(f"{STEPS * n // TENTHS:4}-{STEPS * (n + 1) // TENTHS:<4} {here:6.3f}  {there:6.3f}  {100 * difference:+.1f} %")
    if worst > TOLERANCE:
        print(f"the loss curve differs by {100 * worst:.0f} %, {100 * TOLERANCE:.0f} % were allowed", file=sys.stderr)
        return 1
    print(f"the loss curve is the stored one, to {100 * worst:.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
