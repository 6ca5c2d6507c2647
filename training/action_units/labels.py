"""Where action-unit labels come from: one interface, four sources.

`openface:FOLDER`: tables that the user made with OpenFace, the papers' source. `controls:FOLDER`: what the clips of a synthetic
corpus were made with. `regressor`: what a regression learnt from those finds in the landmarks (`landmark_regressor.py`).
`geometric`: pseudo-labels, thresholds on the landmarks (`geometric.py`). Two sources' figures are not
comparable: a source's name goes into the checkpoint and is printed.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from training.preprocessing import PreparedClip

if TYPE_CHECKING:
    from training.action_units.geometric import GeometricPseudoLabels
    from training.action_units.landmark_regressor import LandmarkRegressor

log = logging.getLogger(__name__)

ACTION_UNITS = ("AU10", "AU14", "AU20", "AU25", "AU26")
MEANING = ("upper lip raised", "dimpler", "lips stretched", "lips part", "jaw drop")
Labels = NDArray[np.bool_]  # [T, 5]


class LabelSource(Protocol):
    """name: what goes into the checkpoint's data entry and beside every figure."""

    @property
    def name(self) -> str: ...

    def of(self, clip: PreparedClip) -> Labels:
        """Which units occur in each frame.

        Raises ConfigError where the clip has no labels, or damaged ones.
        """


@dataclass(frozen=True, kw_only=True)
class LabelledClips:
    """clips with labels, by key; rates [5]: share of their frames in which each unit occurs; source: its name."""

    source: str
    clips: dict[str, Labels]
    rates: tuple[float, ...]

    def origin(self) -> dict[str, Any]:
        """For the checkpoint's data entry."""
        return {"action_units": self.source, "action_unit_rates": self.by_unit()}

    def in_words(self) -> str:
        """`AU10 25 %, ...`."""
        return ", ".join(f"{unit} {100 * rate:.0f} %" for unit, rate in self.by_unit().items())

    def by_unit(self) -> dict[str, float]:
        """The rates by the units' names."""
        return {unit: round(rate, 4) for unit, rate in zip(ACTION_UNITS, self.rates, strict=True)}


def label_source(text: str) -> LabelSource | None:
    """`geometric`, `regressor`, `openface:FOLDER`, `controls:FOLDER`, or `none`.

    Raises ConfigError for anything else.
    """
    from training.action_units.controls import SyntheticControls
    from training.action_units.openface import OpenFaceTables

    if text == "none":
        return None
    if text in ("geometric", "regressor"):
        return of_landmarks(text)
    kind, _, folder = text.partition(":")
    if kind == "openface" and folder:
        return OpenFaceTables(Path(folder))
    if kind == "controls" and folder:
        return SyntheticControls(Path(folder))
    raise ConfigError(
        f"no source of action units {text!r}: none, geometric, regressor, openface:FOLDER or controls:FOLDER was expected"
    )


def of_landmarks(text: str) -> "GeometricPseudoLabels | LandmarkRegressor":
    """The sources that need nothing but landmarks: `geometric` or `regressor`."""
    from training.action_units.geometric import GeometricPseudoLabels
    from training.action_units.landmark_regressor import LandmarkRegressor

    return GeometricPseudoLabels() if text == "geometric" else LandmarkRegressor()


def label_clips(source: LabelSource, clips: Iterable[PreparedClip]) -> LabelledClips:
    """Every clip's labels; a clip that has none is reported and left out.

    Raises ConfigError where no clip has any.
    """
    found: dict[str, Labels] = {}
    for clip in clips:
        try:
            found[clip.key] = source.of(clip)
        except ConfigError as error:
            log.warning("left out, no action units: %s", error)
    if not found:
        raise ConfigError(f"{source.name}: not one clip has action-unit labels")
    rates = np.concatenate(list(found.values())).mean(0)
    return LabelledClips(source=source.name, clips=found, rates=tuple(float(rate) for rate in rates))
