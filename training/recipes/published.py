"""The experiments of papers/1 by name: what each row of tables 3 and 6 is made of.

A row sets the fusion, Audio2AU, the weights of the four published losses (0 switches one off), and the published optimiser:
Adam, β1 0.5, a constant 2e-4. Table 3's models learn from the reconstruction, perceptual and identity losses: its GRU row is
table 6's third, figure for figure. The preset is the user's: with `paper` nothing but these losses is learnt from, the flow
head has some of its own beside them.
"""

from dataclasses import dataclass, replace

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
NAMES = tuple(f"{table}:{name}" for table, rows in TABLES.items() for name in rows)


def row(text: str) -> Row:
    """`6:full` → that row.

    Raises ConfigError where there is none.
    """
    table, _, name = text.partition(":")
    if name not in TABLES.get(table, {}):
        raise ConfigError(f"no row {text!r}: one of {', '.join(NAMES)} was expected")
    return TABLES[table][name]
