"""The recipe of system 1.

papers/1, 4.2: Adam, β1 0.5, learning rate 2e-4, reconstruction 1.5, identity 1.5, perceptual 0.07. Deviations: the `flow`
head also learns from landmark motion, the inner mouth's mask and colours, and a smooth field; the rate is higher with a
cosine end, because the data are few. With action-unit labels Audio2AU and the classifier are pre-trained and go on at 1e-6 and
1e-7 (4.2); without, Audio2AU learns as the rest does. `published.py` has the published rows without these deviations.
"""

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from realtime.errors import ConfigError, ModelError
from realtime.generators.tcsan import config as config_module
from realtime.generators.tcsan.config import TcsanConfig
from realtime.generators.tcsan.generator import TcsanGenerator
from training import checkpoint as checkpoints
from training.action_units.judge import ActionUnitJudge
from training.action_units.pretraining import PretrainingRecipe, pretrain, write_scores
from training.averaging import AveragedWeights
from training.checkpoint import Checkpoint
from training.dataset import Batch, SpeechVideo
from training.losses.perceptual import Perceptual
from training.recipes.face_losses import LossWeights, action_unit_judge, draw, face_losses
from training.recipes.resume import same_run

log = logging.getLogger(__name__)


MIN_STEPS = 3  # the rate rises and falls: it needs a step for each
# Settings that runs did not have from the start, and what they were trained with.
ADDED: dict[str, Any] = {
    "constant_rate": False,
    "action_units": 0.0,
    "pretraining_steps": 1500,
    "audio2au_rate": 1e-6,
    "classifier_rate": 1e-7,
}


@dataclass(frozen=True, kw_only=True)
class Recipe(LossWeights):
    """steps and rate of the optimiser. With labels: steps of pre-training, and the joint rates of what was pre-trained.
    constant_rate: no rise and fall.

    Raises ConfigError for fewer than MIN_STEPS steps.
    """

    steps: int = 8000
    learning_rate: float = 6e-4
    weight_decay: float = 1e-2
    seed: int = 1
    save_minutes: float = 5
    bf16: bool = True
    constant_rate: bool = False
    pretraining_steps: int = 1500
    audio2au_rate: float = 1e-6
    classifier_rate: float = 1e-7

    def __post_init__(self) -> None:
        if self.steps < MIN_STEPS:
            raise ConfigError(f"{self.steps} optimiser steps: at least {MIN_STEPS} were expected")


def train(config: TcsanConfig, recipe: Recipe, data: SpeechVideo, folder: Path, origin: dict[str, Any]) -> Path:
    """Trains, or goes on training, in `folder`; returns the checkpoint. origin: what the data are, kept in the checkpoint.

    Raises ModelError where the folder's checkpoint is of another configuration, recipe or data, and where the loss is no number.
    """
    torch.manual_seed(recipe.seed)
    generator = TcsanGenerator(config)
    generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
    generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
    judge = action_unit_judge(recipe, data)
    settings = {
        **asdict(recipe),
        "batch": asdict(data.batch),
        "augmentation": asdict(data.augmentation),
        "commit": checkpoints.current_commit(),
    }
    path, step = folder / "checkpoint.pt", 0
    found = None
    if path.exists():
        found = same_run(
            path, system="tcsan", config=config.to_dict(), settings=settings, origin=origin, added=config_module.ADDED | ADDED
        )
    if judge is not None and found is None:
        scores = pretrain(generator, judge.classifier, data, PretrainingRecipe(steps=recipe.pretraining_steps))
        write_scores(scores, str(origin.get("action_units", "unnamed source")), folder)
    averaged = AveragedWeights(generator)
    optimiser, schedule = _optimiser(generator, judge, recipe)
    perceptual = Perceptual() if recipe.perceptual else None
    if found is not None:
        step = _resume(found, generator, averaged, optimiser, schedule, data, judge)
        log.info("going on from step %d of %s", step, path)
    saved = time.monotonic() if judge is None or found is not None else float("-inf")  # what was pre-trained is saved at once
    with (
        SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1) as board,
        tqdm(total=recipe.steps, initial=step, desc=f"training {config.preset}", unit="step") as bar,
    ):
        while step < recipe.steps:
            batch = data.draw()
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
                parts = losses(generator, batch, recipe, perceptual, judge)
            total = torch.stack(list(parts.values())).sum()
            if not torch.isfinite(total):
                values = {name: round(value.item(), 3) for name, value in parts.items()}
                raise ModelError(f"the loss of step {step + 1} is no number {values}: {path} is as it was saved last")
            optimiser.zero_grad()
            total.backward()
            torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update(generator)
            step += 1
            bar.update()
            board.add_scalar("loss/total", total.item(), step)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{total.item():.3f}")
                _record(board, parts, step)
            if time.monotonic() - saved > 60 * recipe.save_minutes or step == recipe.steps:
                saved = time.monotonic()
                training = {
                    "network": generator.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "torch_rng": torch.get_rng_state(),
                    "data_rng": json.dumps(data.rng_state),
                    **({"classifier": judge.classifier.state_dict()} if judge else {}),
                }
                weights = averaged.network.state_dict()
                kept = Checkpoint(
                    system="tcsan",
                    config=config.to_dict(),
                    step=step,
                    weights=weights,
                    training=training,
                    recipe=settings,
                    data=origin,
                )
                checkpoints.save(kept, path)
    return path


def losses(
    generator: TcsanGenerator,
    batch: Batch,
    recipe: Recipe,
    perceptual: Perceptual | None,
    judge: ActionUnitJudge | None = None,
) -> dict[str, Tensor]:
    """Every loss by its name, weighted."""
    return face_losses(draw(generator, batch), batch, recipe, perceptual, judge)


def _optimiser(
    generator: TcsanGenerator, judge: ActionUnitJudge | None, recipe: Recipe
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """One group without labels; with them Audio2AU and the classifier have groups of their own."""
    groups: list[dict[str, Any]] = [{"params": list(generator.parameters()), "lr": recipe.learning_rate}]
    if judge is not None:
        known = list(generator.action_units.parameters()) if generator.action_units is not None else []
        groups[0]["params"] = [value for value in groups[0]["params"] if not any(value is one for one in known)]
        groups += [{"params": known, "lr": recipe.audio2au_rate}] if known else []
        groups += [{"params": list(judge.classifier.parameters()), "lr": recipe.classifier_rate}]
    optimiser = torch.optim.AdamW(groups, betas=(0.5, 0.99), weight_decay=recipe.weight_decay)
    if recipe.constant_rate:
        return optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1)
    rates = [group["lr"] for group in groups]
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, recipe.steps, pct_start=max(0.04, 2 / recipe.steps), div_factor=10, cycle_momentum=False
    )


def _resume(
    found: Checkpoint,
    generator: TcsanGenerator,
    averaged: AveragedWeights,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    data: SpeechVideo,
    judge: ActionUnitJudge | None,
) -> int:
    """Restores everything and returns the step."""
    if judge is not None:
        judge.classifier.load_state_dict(found.training["classifier"])
    generator.load_state_dict(found.training["network"])
    averaged.network.load_state_dict(found.weights)
    averaged.steps = found.step
    optimiser.load_state_dict(found.training["optimiser"])
    schedule.load_state_dict(found.training["schedule"])
    torch.set_rng_state(found.training["torch_rng"])
    data.rng_state = json.loads(found.training["data_rng"])
    return found.step


def _record(board: SummaryWriter, parts: dict[str, Tensor], step: int) -> None:
    for name, value in parts.items():
        board.add_scalar(f"loss/{name}", value.item(), step)
