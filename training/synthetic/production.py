"""The whole corpus: every clip that is missing is made, in processes of their own; then all are checked, and a sheet is drawn.

A folder belongs to one recipe: seed, size, cast and version stand in `synthetic.json`, and another recipe is refused. Clips are
numbered; more of them may be asked for later, and those that are there stay as they are.
"""

import json
import logging
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from realtime.errors import ConfigError, FacewireError
from realtime.face_landmarks import FaceLandmarker
from training.media import read_frames
from training.processes import in_processes
from training.synthetic.casting import actor, cast
from training.synthetic.clip_maker import Script, play, speech_of, store, write_script
from training.synthetic.kokoro import Kokoro
from training.synthetic.label_check import Check, check_clip

log = logging.getLogger(__name__)

VERSION = 1
STAMP, CHECKS, SHEET = "synthetic.json", "label_check.json", "sheet.jpg"
SHEET_CLIPS, SHEET_COLUMNS, SHEET_SIDE = 8, 8, 144


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides every pixel. size: of the frames; portraits: folder of photographs, or None for the shipped ones; heads: how
    many rendered ones."""

    seed: int
    size: int
    portraits: Path | None
    heads: int

    @property
    def actors(self) -> list[str]:
        return cast(self.portraits, self.heads)

    def stamp(self) -> dict[str, Any]:
        """For the folder; portraits by their names, wherever they lie."""
        return {"version": VERSION, "seed": self.seed, "size": self.size, "actors": self.actors}


def make_clips(recipe: Recipe, voices: Path, out: Path, n_clips: int, workers: int) -> list[Path]:
    """All films, those that were there included.

    Raises ConfigError where the folder is of another recipe, or a package or the voices are missing.
    """
    kokoro = Kokoro(voices)
    _claim(out, recipe)
    scripts = [write_script(index, recipe.seed, recipe.actors, kokoro) for index in range(n_clips)]
    missing = [script for script in scripts if not _film(out, script).exists()]
    if missing:
        _check_cast(recipe)
        work, workers = partial(_make, recipe=recipe, voices=voices, out=out), min(workers, len(missing))
        for failure in filter(None, in_processes(work, missing, workers=workers, label="making clips", unit="clip")):
            log.warning("not made: %s", failure)
    return [_film(out, script) for script in scripts if _film(out, script).exists()]


def check_all(films: list[Path], out: Path) -> list[Check]:
    """The independent detector's verdict on every film, kept in `label_check.json`."""
    landmarker = FaceLandmarker()
    checks = [check_clip(film, landmarker) for film in tqdm(films, desc="checking labels", unit="clip")]
    figures = ("error", "mouth_error", "opening", "width")
    means = {name: round(float(np.mean([getattr(check, name) for check in checks])), 4) for name in figures}
    failed = [check.clip for check in checks if not check.passed]
    record = {"means": means, "failed": failed, "clips": [check.row() for check in checks]}
    (out / CHECKS).write_text(json.dumps(record, indent=1))
    return checks


def draw_sheet(films: list[Path], path: Path) -> None:
    """Evenly chosen clips below each other, moments from left to right."""
    rows = []
    chosen = [films[i] for i in np.unique(np.linspace(0, len(films) - 1, min(SHEET_CLIPS, len(films))).astype(int))]
    for film in chosen:
        frames = read_frames(film)
        moments = np.linspace(0.12, 0.8, SHEET_COLUMNS) * len(frames)
        side = frames.shape[1]
        faces = frames[moments.astype(int), side // 5 : side * 9 // 10, side * 3 // 20 : side * 17 // 20]
        rows.append(np.hstack([cv2.resize(face, (SHEET_SIDE, SHEET_SIDE), interpolation=cv2.INTER_AREA) for face in faces]))
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


def _check_cast(recipe: Recipe) -> None:
    """Once and here, not in every process: does each photograph hold a usable face, is `anny` there?"""
    for name in recipe.actors if recipe.heads == 0 else recipe.actors[: -recipe.heads + 1 or None]:
        actor(name, recipe.portraits, recipe.size, recipe.seed)


def _claim(out: Path, recipe: Recipe) -> None:
    stamp = out / STAMP
    out.mkdir(parents=True, exist_ok=True)
    if not stamp.exists():
        stamp.write_text(json.dumps(recipe.stamp(), indent=1))
        return
    try:
        found = json.loads(stamp.read_text())
    except ValueError as error:
        raise ConfigError(f"{stamp} is damaged ({error}): name another folder") from error
    if found != recipe.stamp():
        differ = ", ".join(key for key, value in recipe.stamp().items() if found.get(key) != value)
        raise ConfigError(f"{out} holds a corpus of another recipe ({differ} differ): name another folder, or the same settings")


def _make(script: Script, recipe: Recipe, voices: Path, out: Path) -> str | None:
    """Returns why a clip was not made."""
    cv2.setNumThreads(1)
    try:
        player = actor(script.actor, recipe.portraits, recipe.size, recipe.seed)
        store(script, play(script, speech_of(script, _kokoro(voices)), player), out)
    except FacewireError as error:
        return f"{script.actor}/{script.name}: {error}"
    return None


@cache
def _kokoro(voices: Path) -> Kokoro:
    return Kokoro(voices)


def _film(out: Path, script: Script) -> Path:
    return out / script.actor / f"{script.name}.mkv"
