"""`facewire corpus`: what a corpus folder holds, what in it is wrong, and its manifest."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.corpora.clip import Clip
    from training.corpora.found import LeftOut
    from training.corpora.probe import Probed

UNSAID = "not said"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a corpus as it was unpacked, or a manifest to look through again")
    parser.add_argument(
        "--kind", choices=("grid", "tcd-timit", "mead", "ravdess", "crema-d", "synthetic"), help="(from the layout)"
    )
    parser.add_argument("--manifest", type=Path, help="write the usable clips to this file, one JSON line each")
    parser.add_argument("--left-out", type=Path, help="write every file that was left out, and why, to this file")
    parser.add_argument("--decode", action="store_true", help="decode every frame, not the first alone: slow, finds more damage")
    parser.add_argument("--threads", type=int, default=4, help="files looked into at once (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError where no corpus is recognised, or no clip of it can be used."""
    from realtime.errors import ConfigError
    from training.corpora.found import Found
    from training.corpora.manifest import write_manifest
    from training.corpora.probe import probe_all
    from training.corpora.registry import corpus, detect, load

    if args.threads < 1:
        raise ConfigError(f"--threads {args.threads}: one or more were expected")
    if args.folder.is_file():
        kind, clips = load(args.folder, args.kind)
        found = Found(clips=clips)
    else:
        kind = corpus(args.kind) if args.kind else detect(args.folder)
        found = kind.scan(args.folder)
    print(f"{kind.title}\nLicence: {kind.licence}")
    usable, damaged = probe_all(found.clips, decode=args.decode, threads=args.threads)
    left_out = found.left_out + damaged
    print(left_out_report(left_out))
    if args.left_out:
        args.left_out.parent.mkdir(parents=True, exist_ok=True)
        args.left_out.write_text("".join(f"{item.path}\t{item.reason}\n" for item in left_out))
    if not usable:
        raise ConfigError(f"{args.folder}: {len(left_out)} video files, none of them a clip of {kind.name} that can be used")
    print(summary(usable))
    if args.manifest:
        write_manifest(args.manifest, kind.name, usable)
        print(f"manifest: {args.manifest}")
    return 0


def left_out_report(left_out: Sequence[LeftOut]) -> str:
    """What is wrong or damaged, file by file; what is never used, as a number a reason."""
    lines = [f"left out {item.path}: {item.reason}" for item in left_out if not item.expected]
    unused = Counter(item.reason for item in left_out if item.expected)
    lines += [f"not used, {count}: {reason}" for reason, count in unused.items()]
    return "\n".join(lines) if lines else "nothing left out"


def summary(usable: Sequence[tuple[Clip, Probed]]) -> str:
    """A table: speakers, clips and hours of each emotion and of all; then frame rates and picture sizes."""
    emotions = sorted({clip.emotion or UNSAID for clip, _ in usable})
    rows = [("emotion", "speakers", "clips", "hours", "levels")]
    rows += [_row(name, [pair for pair in usable if (pair[0].emotion or UNSAID) == name]) for name in emotions]
    rows.append(_row("all", usable))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    rates = _counted(f"{probed.frame_rate:.4g} fps" for _, probed in usable)
    sizes = _counted(f"{probed.width}×{probed.height}" for _, probed in usable)
    sounds = sum(clip.audio is not None for clip, _ in usable)
    apart = f"sound in a file of its own: {sounds} of {len(usable)}"
    return "\n".join([*table, f"{rates}; {sizes}; {apart}"])


def _row(name: str, pairs: Sequence[tuple[Clip, Probed]]) -> tuple[str, str, str, str, str]:
    hours = sum(probed.duration_s for _, probed in pairs) / 3600
    levels = sorted({clip.level for clip, _ in pairs if clip.level is not None})
    speakers = len({clip.speaker for clip, _ in pairs})
    return name, str(speakers), str(len(pairs)), f"{hours:.2f}", " ".join(map(str, levels)) or "-"


def _counted(labels: Iterable[str]) -> str:
    return ", ".join(f"{label} ({count})" for label, count in Counter(labels).most_common())
