"""`facewire evaluate`: models on speakers they never heard."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", type=Path, nargs="+", help="model folders written by `facewire export`")
    parser.add_argument("--table", help="3 or 6: print that table of the paper from evaluations under the folder named as model")
    parser.add_argument("--corpus", type=Path, help="GRID folder: SPEAKER/CODE.mpg or .mkv")
    parser.add_argument("--held-out", default="s31,ua,s27", help="speakers to test on, unseen in training (%(default)s)")
    parser.add_argument(
        "--clips-of",
        default="unseen",
        choices=("unseen", "known"),
        help="unseen speakers, or clips that training left out of speakers it knows (%(default)s)",
    )
    parser.add_argument("--clips", type=int, default=0, help="at most so many clips, spread evenly; 0 takes all (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder for JSON, Markdown and sheet (%(default)s)")
    parser.add_argument("--runner", default="openvino", choices=("openvino", "torch"), help="(%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError where a model knows the clips or speakers that it would be judged on."""
    import json

    from realtime.engine import Engine
    from realtime.errors import ConfigError
    from realtime.model_spec import read_manifest
    from realtime.runners.runner import load_runner
    from training.corpora.grid import find_clips
    from training.evaluation.clip_choice import choose_clips, spread_evenly
    from training.evaluation.evaluate import Evaluation, evaluate
    from training.evaluation.sheet import write_sheet
    from training.evaluation.table import markdown
    from training.split import speakers_named

    if args.table:
        return _print_paper_table(args.table, args.models[0])
    if args.corpus is None:
        raise ConfigError("--corpus: the folder of the clips to evaluate on was expected")
    origins = {folder.name: read_manifest(folder).origin for folder in args.models}
    test = choose_clips(find_clips(args.corpus), speakers_named(args.held_out), args.clips_of, origins)
    test = spread_evenly(test, args.clips)
    evaluations: list[Evaluation] = []
    for folder in args.models:
        with Engine(load_runner(folder, args.runner)) as engine:
            evaluations.append(evaluate(engine, test, folder.name, clips_of=args.clips_of))
    args.out.mkdir(parents=True, exist_ok=True)
    names = ("model", "summary", "silence", "upper_face_scale", "clips")
    values = [{name: getattr(found, name) for name in names} for found in evaluations]
    (args.out / "evaluation.json").write_text(json.dumps(values, indent=1) + "\n")
    table = markdown(evaluations)
    (args.out / "evaluation.md").write_text(table)
    rows = [
        (real, {f"{e.model['name']}": e.films[i][1]["generated"] for e in evaluations})
        for i, (real, _) in enumerate(evaluations[0].films)
    ]
    write_sheet(args.out / "sheet.png", rows)
    print(table)
    print(f"written: {args.out}/evaluation.json, evaluation.md, sheet.png")
    return 0


def _print_paper_table(table: str, folder: Path) -> int:
    from training.evaluation.paper_tables import paper_table

    print(paper_table(table, folder))
    return 0
