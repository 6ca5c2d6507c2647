"""`facewire evaluate`: models on speakers they never heard."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", type=Path, nargs="+", help="model folders written by `facewire export`")
    parser.add_argument(
        "--table",
        metavar="TABLE",
        help="judge nothing; from the evaluations under the folder named as model, print table 3, 4 or 6 of papers/1, table 2 of "
        "papers/2, or `lookahead`, which also draws its plot",
    )
    parser.add_argument("--corpus", type=Path, help="a corpus as it was unpacked, or its manifest (docs/training.md)")
    parser.add_argument(
        "--held-out",
        default="s31,ua,s27",
        help="speakers to test on, unseen in training, or `paper` for the published split (%(default)s)",
    )
    parser.add_argument(
        "--clips-of",
        default="unseen",
        choices=("unseen", "known"),
        help="unseen speakers, or clips that training left out of speakers it knows (%(default)s)",
    )
    parser.add_argument("--clips", type=int, default=0, help="at most so many clips, spread evenly; 0 takes all (%(default)s)")
    parser.add_argument(
        "--action-units",
        default="none",
        choices=("none", "geometric", "regressor"),
        help="find action units in both films' landmarks and compare: geometric, pseudo-labels by thresholds; regressor, learnt "
        "from synthetic clips (%(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder for JSON, Markdown and sheet (%(default)s)")
    parser.add_argument(
        "--latency", type=Path, help="for `--table lookahead`: a record of `bench latency --json`, what a call adds to the future"
    )
    parser.add_argument("--runner", default="openvino", choices=("openvino", "torch"), help="(%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError where a model knows the clips or speakers that it would be judged on."""
    import json

    from realtime.engine import Engine
    from realtime.errors import ConfigError
    from realtime.model_spec import read_manifest
    from realtime.runners.runner import load_runner
    from training.action_units.labels import of_landmarks
    from training.corpora import registry
    from training.evaluation.clip_choice import choose_clips, spread_evenly
    from training.evaluation.evaluate import Evaluation, evaluate
    from training.evaluation.sheet import write_sheet
    from training.evaluation.table import markdown

    if args.table:
        return _print_table(args.table, args.models[0], args.out, args.latency)
    if args.corpus is None:
        raise ConfigError("--corpus: the folder of the clips to evaluate on was expected")
    origins = {folder.name: read_manifest(folder).origin for folder in args.models}
    corpus, clips = registry.load(args.corpus)
    test = spread_evenly(choose_clips(clips, corpus.name, args.held_out, args.clips_of, origins), args.clips)
    units = None if args.action_units == "none" else of_landmarks(args.action_units)
    evaluations: list[Evaluation] = []
    for folder in args.models:
        with Engine(load_runner(folder, args.runner)) as engine:
            evaluations.append(evaluate(engine, test, folder.name, clips_of=args.clips_of, action_units=units))
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


def _print_table(table: str, folder: Path, out: Path, latency: Path | None) -> int:
    from training.evaluation.lookahead_study import TABLE, draw, lookahead_rows, lookahead_table, rest_of_the_chain_ms
    from training.evaluation.paper_tables import paper_table

    if table != TABLE:
        print(paper_table(table, folder))
        return _keep_summaries(folder, out)
    rows = lookahead_rows(folder)
    rest_ms = rest_of_the_chain_ms(latency) if latency else None
    print(lookahead_table(rows, rest_ms))
    out.mkdir(parents=True, exist_ok=True)
    draw(rows, out / "lookahead.png", rest_ms)
    print(f"drawn: {out}/lookahead.png")
    return _keep_summaries(folder, out)


def _keep_summaries(folder: Path, out: Path) -> int:
    import json

    from training.evaluation.stored import summaries

    out.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(one) for one in summaries(folder))
    (out / "summaries.json").write_text(f"[\n{lines}\n]\n")
    print(f"written: {out}/summaries.json")
    return 0
