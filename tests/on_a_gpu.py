"""Everything that only a GPU can show, one step after another: tests, exports of the built-in model, figures, a film.

    make gpu                           # on a machine with an NVIDIA GPU; goes on where it was stopped
    make gpu ARGS="--minutes 9"        # begins nothing after that, says what is left, and ends with 3: call it again
    make gpu ON_GPU=python3            # an interpreter that has torch for this GPU, instead of an environment of its own

Each step is a command of its own with a log of its own; one that fails stops no other. `steps.json` knows what was done,
README.md and DATE-generator-cuda.md tell it. `--device cpu` is a rehearsal: the same steps, as far as a processor takes them.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import FacewireError
from realtime.runners.device_runner import demand_device
from server.bench import record, step_speed

ROOT = Path(__file__).resolve().parents[1]
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
PORTRAIT, SPEECH = "web_client/portraits/mona-lisa.jpg", "tests/fixtures/speech.wav"
BATCHES = {"cuda": "1,8,64,256", "cpu": "1"}
LEAST_S = 60  # nothing is begun with less time left
DONE, REFUSED, TIME_UP, AGAIN = 0, 2, 124, 3


@dataclass(frozen=True, kw_only=True)
class Step:
    """words: what Python runs; after: the step without which it makes no sense."""

    name: str
    words: tuple[str, ...]
    after: str | None = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gpu", description="everything that only a GPU can show")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "gpu", help="folder of the results (%(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=24 * 60, help="begin no step after that; 3 is returned where some are left"
    )
    parser.add_argument("--batches", help="of AOTInductor and TensorRT, each exported alone (1,8,64,256)")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: a rehearsal (%(default)s)")
    parser.add_argument("--retry", action="store_true", help="try again what failed or was refused")
    args = parser.parse_args()
    try:
        demand_device(args.device)
    except FacewireError as error:
        print(f"make gpu: {error}", file=sys.stderr)
        return REFUSED
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    steps = steps_of(out, args.device, (args.batches or BATCHES[args.device]).split(","))
    left = run(steps, out, time.monotonic() + 60 * args.minutes, retry=args.retry)
    tell(out, args.device, steps)
    if left:
        print(f"{len(left)} steps are left ({', '.join(left)}): call it again", file=sys.stderr)
    return AGAIN if left else DONE


def steps_of(out: Path, device: str, batches: list[str]) -> list[Step]:
    """In the order of what is missed most."""

    def export(name: str, *words: str) -> Step:
        return Step(name=f"export {name}", words=("-m", "facewire", "export", "default", str(out / name), *words))

    def bench(name: str) -> Step:
        measured = ("bench", "generator", "--model", str(out / name), "--device", device, "--json", str(out / f"{name}.json"))
        return Step(name=f"bench {name}", words=("-m", "facewire", *measured), after=f"export {name}")

    film = ("render", PORTRAIT, SPEECH, str(out / "film.mp4"), "--model", str(out / "torch"))
    steps = [
        export("torch", "--to", "torch"),
        bench("torch"),
        Step(
            name="tests", words=(*PYTEST, "tests/streaming/test_device_runners.py", *(["-m", "gpu"] if device == "cuda" else []))
        ),
        Step(name="film", words=("-m", "facewire", *film), after="export torch"),
    ]
    for batch in batches:
        for target in ("aotinductor", "tensorrt"):
            steps += [export(f"{target}-{batch}", "--to", target, "--batch", batch), bench(f"{target}-{batch}")]
    return steps


def run(steps: list[Step], out: Path, until_s: float, *, retry: bool = False) -> list[str]:
    """Runs what was not run yet; names of what is left. A step that ran out of time is tried once more."""
    state = read(out)
    for step in steps:
        known = state.get(step.name, {"tries": 0})
        if known.get("status") == DONE or ("status" in known and not retry):
            continue
        if step.after and state.get(step.after, {}).get("status") != DONE:
            continue
        left_s = until_s - time.monotonic()
        if left_s < LEAST_S:
            break
        print(f"{step.name} …", flush=True)
        began_s = time.monotonic()
        status = command(step.words, out / f"{step.name.replace(' ', '-')}.log", left_s)
        found = {"tries": known["tries"] + 1, "seconds": round(time.monotonic() - began_s, 1)}
        if status != TIME_UP or known["tries"] >= 1:
            found["status"] = status
        state[step.name] = found
        (out / "steps.json").write_text(json.dumps(state, indent=2) + "\n")
    return [step.name for step in steps if "status" not in state.get(step.name, {}) and _possible(step, state)]


def read(out: Path) -> dict[str, dict[str, float]]:
    """Step → tries, seconds, status where it ended."""
    path = out / "steps.json"
    return json.loads(path.read_text()) if path.exists() else {}


def command(words: tuple[str, ...], log: Path, limit_s: float) -> int:
    """Its exit status, or TIME_UP. Whatever it started ends with it."""
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return TIME_UP
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def tell(out: Path, device: str, steps: list[Step]) -> None:
    """README.md: how each step ended; a record of the figures there are."""
    state = read(out)
    words = {DONE: "done", REFUSED: "refused", TIME_UP: "took too long"}
    rows = []
    for step in steps:
        known = state.get(step.name, {})
        status = known.get("status")
        ended = "not run" if status is None else words.get(int(status), f"failed ({int(status)})")
        log = out / f"{step.name.replace(' ', '-')}.log"
        last = next((line for line in reversed(log.read_text().splitlines()) if line.strip()), "") if log.exists() else ""
        rows.append((step.name, ended, known.get("seconds"), last.replace("|", "/")[:200]))
    table = record.table(("step", "", "s", "its last line"), rows)
    (out / "README.md").write_text(f"# What a GPU showed\n\n{table}")
    print(table)
    measured = [
        json.loads(path.read_text()) for step in steps if (path := out / f"{step.name.removeprefix('bench ')}.json").exists()
    ]
    if measured:
        figures, tables = step_speed.joined(measured)
        title = f"The step alone on {device}: {figures['processor']}"
        record.write_record(out, f"generator-{device}", {"title": title, "command": "make gpu", **figures}, tables)


def _possible(step: Step, state: dict[str, dict[str, float]]) -> bool:
    return step.after is None or state.get(step.after, {}).get("status", DONE) == DONE


if __name__ == "__main__":
    sys.exit(main())
