"""What `facewire train --system` names: a system, one of its variants, or a row of a paper's table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from realtime.generators.recurrent_gan.config import RecurrentGanConfig
from realtime.generators.registry import system
from realtime.generators.tcsan.config import TcsanConfig
from training.dataset import SpeechVideo
from training.recipes import recurrent_gan, recurrent_gan_rows, tcsan, tcsan_variants

TrainOn = Callable[[SpeechVideo, Path, dict[str, Any]], Path]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """system: its name; perceptual: weight of the VGG loss; train: the recipe, which lacks data, folder and origin."""

    system: str
    config: TcsanConfig | RecurrentGanConfig
    perceptual: float
    train: TrainOn


def chosen(text: str, preset: str, *, steps: int, seed: int, perceptual: float, labelled: bool) -> Chosen:
    """`recurrent_gan` and rows `2:…` are of system 2; `tcsan`, its fusions, rows `3:…`, `6:…` and `future:…` of
    system 1.

    Raises ConfigError for an unknown name, preset, or setting.
    """
    if text == recurrent_gan.SYSTEM or text.startswith(recurrent_gan_rows.TABLE):
        own = recurrent_gan.Recipe(steps=steps, seed=seed, perceptual=perceptual)
        shape, own = recurrent_gan_rows.variant(text, system(recurrent_gan.SYSTEM).preset(preset), own, labelled=labelled)
        learn = partial(recurrent_gan.train, shape, own)
        return Chosen(system=recurrent_gan.SYSTEM, config=shape, perceptual=own.perceptual, train=learn)
    recipe = tcsan.Recipe(steps=steps, seed=seed, perceptual=perceptual)
    config, recipe = tcsan_variants.variant(text, system("tcsan").preset(preset), recipe, labelled=labelled)
    return Chosen(system="tcsan", config=config, perceptual=recipe.perceptual, train=partial(tcsan.train, config, recipe))
