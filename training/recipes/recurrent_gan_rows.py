"""The experiments of papers/2 by name: what each row of table 2 is made of.

Each row adds one thing to the row above it: the perceptual, the identity, the adversarial and the action-unit loss, and last
Audio2AU.
"""

from dataclasses import dataclass, replace

from realtime.errors import ConfigError
from realtime.generators.recurrent_gan.config import RecurrentGanConfig
from training.recipes.recurrent_gan import SYSTEM, Recipe

ACTION_UNITS = 0.02
TABLE = "2:"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Whether each loss but the reconstruction, which is always there, and Audio2AU are on."""

    perceptual: bool = True
    identity: bool = True
    adversarial: bool = True
    action_units: bool = True
    audio2au: bool = True

    @property
    def needs_labels(self) -> bool:
        return self.action_units or self.audio2au

    def recipe(self, recipe: Recipe) -> Recipe:
        published = Recipe()
        return replace(
            recipe,
            perceptual=published.perceptual * self.perceptual,
            identity=published.identity * self.identity,
            adversarial=published.adversarial * self.adversarial,
            action_units=ACTION_UNITS * self.action_units,
        )


ROWS = {
    "rec": Row(perceptual=False, identity=False, adversarial=False, action_units=False, audio2au=False),
    "rec-per": Row(identity=False, adversarial=False, action_units=False, audio2au=False),
    "rec-per-id": Row(adversarial=False, action_units=False, audio2au=False),
    "rec-per-id-adv": Row(action_units=False, audio2au=False),
    "rec-per-id-adv-au": Row(audio2au=False),
    "full": Row(),
}
NAMES = tuple(TABLE + name for name in ROWS)


def variant(text: str, preset: RecurrentGanConfig, recipe: Recipe, *, labelled: bool) -> tuple[RecurrentGanConfig, Recipe]:
    """The system by its name, or a row of table 2, applied to a preset and a recipe. labelled: whether the clips have action
    units; the system learns from them where it can, a row says itself whether it does.

    Raises ConfigError for an unknown row, and where its labels are missing or not its own.
    """
    if text == SYSTEM:
        return preset, replace(recipe, action_units=ACTION_UNITS) if labelled else recipe
    row = ROWS.get(text.removeprefix(TABLE))
    if row is None:
        raise ConfigError(f"no variant {text!r}: one of {', '.join((SYSTEM, *NAMES))} was expected")
    if row.needs_labels != labelled:
        wanted = "--action-units geometric, regressor or openface:FOLDER was" if row.needs_labels else "no --action-units were"
        raise ConfigError(f"row {text} of the paper: {wanted} expected")
    return replace(preset, audio2au=row.audio2au), row.recipe(recipe)
