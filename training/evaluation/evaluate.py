"""A model on speakers it never heard: figures a clip, a speaker, and in all, each beside its two controls (summary.py)."""

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from realtime.engine import Engine
from realtime.errors import ConfigError, FacewireError
from realtime.face_landmarks import FaceLandmarker
from training.corpora.clip import Clip
from training.evaluation import clip as clips
from training.evaluation import likeness, silence
from training.evaluation.action_units import ActionUnitSource
from training.evaluation.clip import Film, RealClip
from training.evaluation.figures import Judged, all_figures, judged, load_judges
from training.evaluation.summary import ROWS, ClipFigures, summarise
from training.media import read_sound

log = logging.getLogger(__name__)

SHEET_CLIPS = 6


@dataclass(kw_only=True)
class Evaluation:
    """clips: figures by clip and row; summary: pooled over clips with 95 % bootstrap intervals, and by speaker; silence:
    spreads in eye distances; upper_face_scale: what the upper-face distance is worth (likeness.py); films: some clips' films for
    the contact sheet."""

    model: dict[str, Any]
    clips: dict[str, ClipFigures] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    silence: dict[str, float] = field(default_factory=dict)
    upper_face_scale: dict[str, float] = field(default_factory=dict)
    films: list[tuple[RealClip, dict[str, Film]]] = field(default_factory=list)


def evaluate(
    engine: Engine, test: list[Clip], name: str, *, clips_of: str = "unseen", action_units: ActionUnitSource | None = None
) -> Evaluation:
    """Every test clip through the pipeline. clips_of: whether their speakers are `unseen` or `known`, for the table.

    Raises ConfigError where fewer than two clips can be read.
    """
    landmarker, judges = FaceLandmarker(), load_judges(action_units)
    reals = _read(test, landmarker)
    if len(reals) < 2:
        raise ConfigError(f"{len(reals)} readable clips to test on: at least two were expected")
    found = Evaluation(model=_model(engine, name) | {"clips_of": clips_of})
    if action_units:
        found.model["action_units_by"] = action_units.name
    of_real: dict[str, Judged] = {}
    for index, real in enumerate(tqdm(reals, desc=f"evaluating {name}", unit="clip")):
        anchor, key = real.film.crops[0], real.clip.key
        generated = clips.drive(real.portrait, real.pcm, engine, landmarker)
        other = clips.drive(real.portrait, _other(reals, index).pcm, engine, landmarker)
        still = clips.measure(np.repeat(real.portrait.image[None], len(real.film.crops), 0), landmarker)
        of_real[key] = judged(real.film, anchor, judges)
        found.clips[key] = {
            row: all_figures(judged(film, anchor, judges), of_real[key], judges)
            for row, film in zip(ROWS, (generated, still, other), strict=True)
        }
        if index * SHEET_CLIPS // len(reals) >= len(found.films):
            found.films.append((real, {"generated": generated}))
    found.summary = summarise(found.clips)
    found.upper_face_scale = likeness.scale({key: real.features for key, real in of_real.items() if real.features is not None})
    found.silence = _silence(reals, engine, landmarker)
    return found


def _model(engine: Engine, name: str) -> dict[str, Any]:
    spec = engine.spec
    return {"name": name, "system": spec.system, "preset": spec.preset, "future_ms": spec.future_ms}


def _read(test: list[Clip], landmarker: FaceLandmarker) -> list[RealClip]:
    reals = []
    for clip in tqdm(test, desc="reading clips", unit="clip"):
        try:
            reals.append(clips.read_real(clip, read_sound(clip.path, clip.audio), landmarker))
        except FacewireError as error:
            log.warning("left out %s: %s", clip.key, error)
    return reals


def _other(reals: list[RealClip], index: int) -> RealClip:
    """Another sentence, of the same speaker where there is one: the one with the fewest words in the same places."""
    here = reals[index].clip
    rest = reals[index + 1 :] + reals[:index]
    same = [real for real in rest if real.clip.speaker == here.speaker] or rest

    def shared(real: RealClip) -> int:
        return sum(a == b for a, b in zip(real.clip.text.split(), here.text.split(), strict=False))

    return min(same, key=shared)


def _silence(reals: list[RealClip], engine: Engine, landmarker: FaceLandmarker) -> dict[str, float]:
    """The largest spread of the opening over digital silence and over each speaker's recorded silence."""
    one_each = {real.clip.speaker: real for real in reals}.values()
    still: NDArray[np.int16] = np.zeros(silence.SECONDS * silence.SAMPLE_RATE_HZ, np.int16)
    digital = [silence.spread(real.portrait, still, engine, landmarker) for real in one_each]
    rooms = [(real, silence.recorded_silence(real.clip, real.pcm)) for real in reals]
    recorded = [silence.spread(real.portrait, room, engine, landmarker) for real, room in rooms if len(room)]
    out = {"digital_max": max(digital)}
    if recorded:
        out |= {"recorded_max": max(recorded), "recorded_mean": float(np.mean(recorded)), "recorded_clips": len(recorded)}
    return out
