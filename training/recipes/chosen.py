"""What `facewire train --system` names: a system, one of its variants, or a row of a paper's table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from realtime.generators.recurrent_gan.config import RecurrentGanConfig
from realtime.generators.registry import system
from realtime.generators.tcsan.config import TcsanConfig
from training.dataset import SpeechVideo
from training.recipes import lookahead, published, recurrent_gan, recurrent_gan_rows, tcsan, tcsan_variants

LIP_STEPS = 1500
TrainOn = Callable[[SpeechVideo, Path, dict[str, Any]], Path]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """system: its name; perceptual: weight of the VGG loss; train: the recipe, which lacks data, folder and origin."""

    system: str
    config: TcsanConfig | RecurrentGanConfig
    perceptual: float
    train: TrainOn


def chosen(
    text: str, preset: str, *, steps: int, seed: int, perceptual: float, labelled: bool, lip_steps: int | None = None
) -> Chosen:
    """`recurrent_gan` and rows `2:…` are of system 2; `tcsan`, its fusions, rows `3:…`, `6:…` and `future:…` of
    system 1. lip_steps: None for LIP_STEPS, and for none with the preset `paper` and in the rows of a
    table or study, which are as they were published.

    Raises ConfigError for an unknown name, preset, or setting.
    """
    if text == recurrent_gan.SYSTEM or text.startswith(recurrent_gan_rows.TABLE):
        _refuse_lips(lip_steps, text)
        own = recurrent_gan.Recipe(steps=steps, seed=seed, perceptual=perceptual)
        shape, own = recurrent_gan_rows.variant(text, system(recurrent_gan.SYSTEM).preset(preset), own, labelled=labelled)
        learn = partial(recurrent_gan.train, shape, own)
        return Chosen(system=recurrent_gan.SYSTEM, config=shape, perceptual=own.perceptual, train=learn)
    if text in published.NAMES:
        _refuse_lips(lip_steps, text)
    if lip_steps is None:
        as_published = preset == "paper" or text in published.NAMES + lookahead.NAMES
        lip_steps = 0 if as_published else LIP_STEPS
    recipe = tcsan.Recipe(steps=steps, seed=seed, perceptual=perceptual, lip_steps=lip_steps)
    config, recipe = tcsan_variants.variant(text, system("tcsan").preset(preset), recipe, labelled=labelled)
    return Chosen(system="tcsan", config=config, perceptual=recipe.perceptual, train=partial(tcsan.train, config, recipe))


def _refuse_lips(lip_steps: int | None, text: str) -> None:
    if lip_steps:
        raise ConfigError(f"{lip_steps} steps on lips alone: {text} has none")
