"""A model on speakers it never heard: figures a clip, a speaker, and in all, each beside its two controls.

`generated`: the clip's own sound drives its first frame. `portrait repeated`: the first frame, still. `other sentence`: the
right face driven by another sentence's sound, of the same speaker where there is one.
"""

import logging
from collections import defaultdict
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
from training.evaluation import silence
from training.evaluation.clip import Film, RealClip
from training.media import read_sound

log = logging.getLogger(__name__)

SHEET_CLIPS = 6
ROWS = ("generated", "portrait repeated", "other sentence")
RESAMPLES = 2000


@dataclass(kw_only=True)
class Evaluation:
    """clips: figures by clip and row; summary: pooled over clips with 95 % bootstrap intervals, and by speaker; silence:
    spreads in eye distances; films: some clips' films for the contact sheet."""

    model: dict[str, Any]
    clips: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    silence: dict[str, float] = field(default_factory=dict)
    films: list[tuple[RealClip, dict[str, Film]]] = field(default_factory=list)


def evaluate(engine: Engine, test: list[Clip], name: str) -> Evaluation:
    """Every test clip through the pipeline.

    Raises ConfigError where fewer than two clips can be read.
    """
    landmarker = FaceLandmarker()
    reals = _read(test, landmarker)
    if len(reals) < 2:
        raise ConfigError(f"{len(reals)} readable clips to test on: at least two were expected")
    spec = engine.spec
    found = Evaluation(model={"name": name, "system": spec.system, "preset": spec.preset, "future_ms": spec.future_ms})
    for index, real in enumerate(tqdm(reals, desc=f"evaluating {name}", unit="clip")):
        generated = clips.drive(real.portrait, real.pcm, engine, landmarker)
        other = clips.drive(real.portrait, _other(reals, index).pcm, engine, landmarker)
        still = clips.measure(np.repeat(real.portrait.image[None], len(real.film.crops), 0), landmarker)
        films = dict(zip(ROWS, (generated, still, other), strict=True))
        found.clips[real.clip.key] = {
            row: clips.picture_figures(film, real.film) | clips.motion_figures(film.motion, real.film.motion)
            for row, film in films.items()
        }
        if index * SHEET_CLIPS // len(reals) >= len(found.films):
            found.films.append((real, {"generated": generated}))
    found.summary = summarise(found.clips)
    found.silence = _silence(reals, engine, landmarker)
    return found


def summarise(figures: dict[str, dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Means over clips, pooled with intervals and by speaker. The lag is the median, in frames."""
    by_speaker: dict[str, list[str]] = defaultdict(list)
    for key in figures:
        by_speaker[key.split("/")[0]].append(key)
    return {
        "clips": len(figures),
        "pooled": {row: _pool([figures[key][row] for key in figures]) for row in ROWS},
        "speakers": {
            speaker: {row: _means([figures[key][row] for key in keys]) for row in ROWS} | {"clips": len(keys)}
            for speaker, keys in by_speaker.items()
        },
    }


def _pool(rows: list[dict[str, float]]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    pooled: dict[str, Any] = dict(_means(rows))
    for figure in ("opening", "width", "psnr_lower"):
        values = np.array([row[figure] for row in rows])
        draws = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
        pooled[f"{figure}_interval"] = [float(v) for v in np.percentile(draws, [2.5, 97.5])]
    return pooled


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float((np.median if name.endswith("_lag") else np.mean)([row[name] for row in rows])) for name in rows[0]}


def _read(test: list[Clip], landmarker: FaceLandmarker) -> list[RealClip]:
    reals = []
    for clip in tqdm(test, desc="reading clips", unit="clip"):
        try:
            reals.append(clips.read_real(clip, read_sound(clip.path), landmarker))
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
