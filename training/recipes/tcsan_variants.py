"""What of system 1 `facewire train --system` names: a fusion, a row of the paper's tables, or a row of the lookahead study."""

from dataclasses import replace
from typing import cast, get_args

from realtime.errors import ConfigError
from realtime.generators.tcsan.config import Fusion, TcsanConfig
from training.recipes import lookahead, published
from training.recipes.tcsan import Recipe

FUSIONS = get_args(Fusion)


def variant(text: str, preset: TcsanConfig, recipe: Recipe, *, labelled: bool) -> tuple[TcsanConfig, Recipe]:
    """A preset and a recipe as the variant has them. labelled: whether the clips have action units; with a fusion and in the
    lookahead study they are learnt from, a row of the paper says itself whether it uses them.

    Raises ConfigError for an unknown name, and where a row's labels are missing or not its own.
    """
    units = replace(recipe, action_units=published.ACTION_UNITS) if labelled else recipe
    if text in FUSIONS:
        return replace(preset, fusion=cast(Fusion, text)), units
    if text.startswith(lookahead.PREFIX):
        return lookahead.with_future(text, preset), units
    if text not in published.NAMES:
        raise ConfigError(f"no variant {text!r}: one of {', '.join(FUSIONS + published.NAMES + lookahead.NAMES)} was expected")
    chosen = published.row(text)
    if chosen.needs_labels != labelled:
        wanted = "--action-units geometric, regressor or openface:FOLDER was" if chosen.needs_labels else "no --action-units were"
        raise ConfigError(f"row {text} of the paper: {wanted} expected")
    return chosen.config(preset), chosen.recipe(recipe)
