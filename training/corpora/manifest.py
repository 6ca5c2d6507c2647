"""The manifest of a corpus: JSON lines, one a clip, its files named from the manifest's own folder.

{"corpus": "crema-d", "speaker": "1001", "name": "DFA_ANG_XX", "video": "VideoFlash/1001_DFA_ANG_XX.flv",
 "audio": "AudioWAV/1001_DFA_ANG_XX.wav", "sentence": "don't forget a jacket", "emotion": "angry", "level": null,
 "words": [], "phones": [], "frame_rate": 29.97, "duration_s": 2.27, "width": 480, "height": 360}
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from training.corpora.clip import EMOTIONS, Clip, Times
from training.corpora.probe import Probed

KEYS = (
    *("corpus", "speaker", "name", "video", "audio", "sentence", "emotion", "level", "words", "phones"),
    *("frame_rate", "duration_s", "width", "height"),
)


def write_manifest(path: Path, corpus: str, clips: Iterable[tuple[Clip, Probed]]) -> None:
    """Replaces the file in one step, so that an interruption leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w") as file:
        for clip, probed in clips:
            file.write(json.dumps(_row(path, corpus, clip, probed), ensure_ascii=False) + "\n")
    partial.replace(path)


def read_manifest(path: Path) -> tuple[str, list[Clip]]:
    """The corpus's name, and its clips.

    Raises ConfigError where the file cannot be read, is empty, mixes corpora, or a line is not as written above.
    """
    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no manifest that can be read ({error})") from error
    rows = [_parse(path, number, line) for number, line in enumerate(lines, 1)]
    kinds = sorted({kind for kind, _ in rows})
    if len(kinds) != 1:
        raise ConfigError(f"{path} lists clips of {' and '.join(kinds) or 'no corpus'}: clips of one corpus were expected")
    clips = {clip.key: clip for _, clip in rows}
    if len(clips) < len(rows):
        raise ConfigError(f"{path} lists {len(rows) - len(clips)} clips twice: write it again with facewire corpus")
    return kinds[0], list(clips.values())


def _row(manifest: Path, corpus: str, clip: Clip, probed: Probed) -> dict[str, Any]:
    return {
        "corpus": corpus,
        "speaker": clip.speaker,
        "name": clip.name,
        "video": _named_from(manifest, clip.path),
        "audio": _named_from(manifest, clip.audio) if clip.audio else None,
        "sentence": clip.text,
        "emotion": clip.emotion,
        "level": clip.level,
        "words": clip.words,
        "phones": clip.phones,
        "frame_rate": round(probed.frame_rate, 3),
        "duration_s": round(probed.duration_s, 3),
        "width": probed.width,
        "height": probed.height,
    }


def _parse(path: Path, number: int, line: str) -> tuple[str, Clip]:
    try:
        row = json.loads(line)
        if sorted(row) != sorted(KEYS):
            raise ValueError(f"keys {', '.join(sorted(set(row) ^ set(KEYS)))} are missing or unknown")
        if row["emotion"] not in (None, *EMOTIONS):
            raise ValueError(f"{row['emotion']!r} is no emotion")
        named = {key: row[key] for key in ("corpus", "speaker", "name", "video", "sentence")}
        if not all(isinstance(value, str) for value in named.values()):
            raise ValueError(f"{' '.join(named)} must be text")
        clip = Clip(
            path=path.parent / row["video"],
            audio=path.parent / row["audio"] if row["audio"] else None,
            speaker=row["speaker"],
            name=row["name"],
            text=row["sentence"],
            emotion=row["emotion"],
            level=None if row["level"] is None else int(row["level"]),
            words=_times(row["words"]),
            phones=_times(row["phones"]),
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}, line {number}: {error}; a line of facewire corpus was expected") from error
    return row["corpus"], clip


def _times(rows: list[Any]) -> Times:
    return tuple((float(start_s), float(end_s), str(label)) for start_s, end_s, label in rows)


def _named_from(manifest: Path, file: Path) -> str:
    return Path(os.path.relpath(file.resolve(), manifest.parent.resolve())).as_posix()
