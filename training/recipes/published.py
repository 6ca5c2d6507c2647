"""The experiments of papers/1 by name: what each row of tables 3 and 6 is made of.

A row sets the fusion, Audio2AU, the weights of the four published losses (0 switches one off), and the published optimiser:
Adam, β1 0.5, a constant 2e-4. Table 3's models learn from the reconstruction, perceptual and identity losses: its GRU row is
table 6's third, figure for figure. The preset is the user's: with `paper` nothing but these losses is learnt from, the flow
head has some of its own beside them.
"""

from dataclasses import dataclass, replace
from typing import cast, get_args

from realtime.errors import ConfigError
from realtime.generators.tcsan.config import Fusion, TcsanConfig
from training.recipes.tcsan import Recipe

PUBLISHED_RATE = 2e-4
RECONSTRUCTION, IDENTITY, PERCEPTUAL, ACTION_UNITS = 1.5, 1.5, 0.07, 0.02


@dataclass(frozen=True, kw_only=True)
class Row:
    """fusion and audio2au of the generator; whether each loss but the reconstruction, which is always there, is on."""

    fusion: Fusion
    audio2au: bool = False
    perceptual: bool = True
    identity: bool = True
    action_units: bool = False

    @property
    def needs_labels(self) -> bool:
        return self.audio2au or self.action_units

    def config(self, preset: TcsanConfig) -> TcsanConfig:
        return replace(preset, fusion=self.fusion, audio2au=self.audio2au)

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(
            recipe,
            learning_rate=PUBLISHED_RATE,
            constant_rate=True,
            weight_decay=0.0,
            reconstruction=RECONSTRUCTION,
            perceptual=PERCEPTUAL * self.perceptual,
            identity=IDENTITY * self.identity,
            action_units=ACTION_UNITS * self.action_units,
        )


TABLES: dict[str, dict[str, Row]] = {
    "3": {
        "gru": Row(fusion="gru"),
        "tcn": Row(fusion="tcn"),
        "attention-tcn": Row(fusion="attention_tcn"),
        "co-attention-tcn": Row(fusion="co_attention_tcn"),
        "tcsan": Row(fusion="tcsan"),
    },
    "6": {
        "rec": Row(fusion="gru", perceptual=False, identity=False),
        "rec-per": Row(fusion="gru", identity=False),
        "rec-per-id": Row(fusion="gru"),
        "tcsan": Row(fusion="tcsan"),
        "tcsan-au": Row(fusion="tcsan", action_units=True),
        "full": Row(fusion="tcsan", action_units=True, audio2au=True),
    },
}
FUSIONS = get_args(Fusion)
NAMES = tuple(f"{table}:{name}" for table, rows in TABLES.items() for name in rows)


def variant(text: str, preset: TcsanConfig, recipe: Recipe, *, labelled: bool) -> tuple[TcsanConfig, Recipe]:
    """What `facewire train --variant` names, a fusion or a row, applied to a preset and a recipe. labelled: whether the clips
    have action units; with a fusion they are learnt from, a row says itself whether it uses them.

    Raises ConfigError for an unknown name, and where a row's labels are missing or not its own.
    """
    if text in FUSIONS:
        config = replace(preset, fusion=cast(Fusion, text))
        return config, replace(recipe, action_units=ACTION_UNITS) if labelled else recipe
    chosen = row(text)
    if chosen.needs_labels != labelled:
        wanted = "--action-units geometric or openface:FOLDER was" if chosen.needs_labels else "no --action-units were"
        raise ConfigError(f"row {text} of the paper: {wanted} expected")
    return chosen.config(preset), chosen.recipe(recipe)


def row(text: str) -> Row:
    """`6:full` → that row.

    Raises ConfigError where there is none.
    """
    table, _, name = text.partition(":")
    if name not in TABLES.get(table, {}):
        raise ConfigError(f"no variant {text!r}: one of {', '.join(FUSIONS + NAMES)} was expected")
    return TABLES[table][name]
