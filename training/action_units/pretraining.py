"""Audio2AU and the action-unit classifier, taught on labels before a generator learns with them.

Source: papers/1, 3.1 "Audio-to-AU Module" and 4.2. Both learn by eq. (7), here from the same batches. No clip is silenced: its
labels would be of a picture whose sound is not heard.
"""

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from realtime.errors import ConfigError
from realtime.generators.layers import audio2au
from realtime.generators.layers.window_generator import WindowGenerator
from training.action_units.classifier import ActionUnitClassifier
from training.action_units.labels import ACTION_UNITS
from training.action_units.scores import Scores, in_words, unit_scores
from training.dataset import Batch, SpeechVideo
from training.losses.action_units import action_units, occurrence_weights

log = logging.getLogger(__name__)

SCORED_BATCHES = 20
FILE = "action_units.json"


@dataclass(frozen=True, kw_only=True)
class PretrainingRecipe:
    """steps and rate of Adam (β1 0.5); both are choices, the paper gives neither. bf16: the networks in bfloat16, their losses
    and steps in float32."""

    steps: int = 1500
    learning_rate: float = 5e-4
    bf16: bool = True


class HeardUnits(nn.Module):
    """A generator's Audio2AU with the last fully connected layers that only pre-training needs: one number a unit."""

    def __init__(self, generator: WindowGenerator) -> None:
        super().__init__()
        if generator.action_units is None:
            raise ConfigError("a generator without Audio2AU has nothing to pre-train")
        self.standardised = generator.standardised
        self.units = generator.action_units
        self.last = nn.ModuleList(nn.Linear(audio2au.FEATURE, 1) for _ in ACTION_UNITS)

    def forward(self, window: Tensor) -> Tensor:
        """Windows [N, 12, 28] → logits [N, 5]."""
        features = self.units(self.standardised(window)).unflatten(1, (len(ACTION_UNITS), -1))
        return torch.cat([last(features[:, i]) for i, last in enumerate(self.last)], 1)


def pretrain(
    generator: WindowGenerator, classifier: ActionUnitClassifier, data: SpeechVideo, recipe: PretrainingRecipe
) -> dict[str, Scores]:
    """Teaches both in place, Audio2AU where the generator has one; returns how well each knows the clips it learnt from.

    Raises ConfigError where the clips have no labels.
    """
    if data.action_unit_rates is None:
        raise ConfigError("pre-training on action units: clips with labels were expected")
    heard = HeardUnits(generator) if generator.action_units is not None else None
    weights = occurrence_weights(data.action_unit_rates)
    networks = nn.ModuleList([classifier] if heard is None else [classifier, heard])
    optimiser = torch.optim.Adam(networks.parameters(), recipe.learning_rate, betas=(0.5, 0.999))
    networks.train()
    for _ in tqdm(range(recipe.steps), desc="pre-training on action units", unit="step"):
        batch = data.draw(silent=0)
        labels = batch.action_units.flatten(0, 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
            found = _logits(classifier, heard, batch).values()
        loss = torch.stack([action_units(logits.float(), labels, weights) for logits in found]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return _score(classifier, heard, data)


def drawn_windows(batch: Batch) -> Tensor:
    """The windows of a batch's drawn frames [B · D, 12, 28]."""
    index = batch.first_drawn[:, None] + torch.arange(batch.target.shape[1])
    return batch.windows[torch.arange(len(index))[:, None], index].flatten(0, 1)


def write_scores(scores: dict[str, Scores], source: str, folder: Path) -> None:
    """Logs them and writes them into a run's folder, in the form of papers/1, table 1."""
    for name, found in scores.items():
        log.info("%s, on the clips it learnt from, labels of %s: %s", name, source, in_words(found))
    known = {
        name: {
            unit: {figure: value if math.isfinite(value) else None for figure, value in one.items()} for unit, one in of.items()
        }
        for name, of in scores.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps({"labels": source, "judged_on": "training clips", "scores": known}, indent=1) + "\n")


def _logits(classifier: ActionUnitClassifier, heard: HeardUnits | None, batch: Batch) -> dict[str, Tensor]:
    found = {"AU classifier": classifier(batch.target.flatten(0, 1))}
    if heard is not None:
        found["Audio2AU"] = heard(drawn_windows(batch))
    return found


@torch.no_grad()
def _score(classifier: ActionUnitClassifier, heard: HeardUnits | None, data: SpeechVideo) -> dict[str, Scores]:
    found: dict[str, list[Tensor]] = {}
    labels = []
    for _ in range(SCORED_BATCHES):
        batch = data.draw(silent=0)
        labels.append(batch.action_units.flatten(0, 1) > 0)
        for name, logits in _logits(classifier, heard, batch).items():
            found.setdefault(name, []).append(logits > 0)
    wanted = torch.cat(labels).numpy()
    return {name: unit_scores(torch.cat(values).numpy(), wanted) for name, values in found.items()}
