"""The recipe of system 1.

papers/1, 4.2: Adam, β1 0.5, learning rate 2e-4, reconstruction 1.5, identity 1.5, perceptual 0.07. Deviations: the `flow`
head also learns from landmark motion, the inner mouth's mask and colours, and a smooth field; the rate is higher with a
cosine end, because the data are few. With action-unit labels Audio2AU and the classifier are pre-trained and go on at 1e-6 and
1e-7 (4.2); without, Audio2AU learns as the rest does. Before anything is drawn the speech side may learn the lips' motion alone
(`lips_first.py`). `published.py` has the published rows without these deviations.
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
from training.recipes import lips_first
from training.recipes.face_losses import LossWeights, action_unit_judge, draw, face_losses
from training.recipes.lips_first import LipsRecipe, Run, learn_lips, speech_side
from training.recipes.resume import MAY_CHANGE, same_run

log = logging.getLogger(__name__)


MIN_STEPS = 3  # the rate rises and falls: it needs a step for each
# Settings that runs did not have from the start, and what they were trained with.
ADDED: dict[str, Any] = {
    "constant_rate": False,
    "action_units": 0.0,
    "pretraining_steps": 1500,
    "audio2au_rate": 1e-6,
    "classifier_rate": 1e-7,
    "lip_steps": 0,
    "heard_share": 0.1,
}


@dataclass(frozen=True, kw_only=True)
class Recipe(LossWeights):
    """steps and rate of the optimiser. With labels: steps of pre-training, and the joint rates of what was pre-trained.
    constant_rate: no rise and fall. lip_steps: of the speech side on lips alone, before anything is drawn (lips_first.py), 0 for
    none; heard_share: of the rate, for that side from then on.

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
    lip_steps: int = 0
    heard_share: float = 0.1

    def __post_init__(self) -> None:
        if self.steps < MIN_STEPS:
            raise ConfigError(f"{self.steps} optimiser steps: at least {MIN_STEPS} were expected")
        if self.lip_steps and self.lip_steps < MIN_STEPS:
            raise ConfigError(f"{self.lip_steps} steps on lips alone: 0, or at least {MIN_STEPS} were expected")


def train(config: TcsanConfig, recipe: Recipe, data: SpeechVideo, folder: Path, origin: dict[str, Any]) -> Path:
    """Trains, or goes on training, in `folder`; returns the checkpoint. origin: what the data are, kept in the checkpoint.

    Raises ModelError where the folder's checkpoint is of another configuration, recipe or data, and where the loss is no number.
    """
    torch.manual_seed(recipe.seed)
    generator = TcsanGenerator(config)
    generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
    generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
    judge = action_unit_judge(recipe, data)
    lips = LipsRecipe(steps=recipe.lip_steps, bf16=recipe.bf16, save_minutes=recipe.save_minutes)
    settings = {
        **asdict(recipe),
        **({"lips": {name: value for name, value in asdict(lips).items() if name not in MAY_CHANGE}} if recipe.lip_steps else {}),
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
    else:
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder=folder, system="tcsan", config=config.to_dict(), settings=settings, origin=origin)
        _teach(generator, judge, data, recipe, lips, run)
    averaged = AveragedWeights(generator)
    optimiser, schedule = _optimiser(generator, judge, recipe)
    perceptual = Perceptual() if recipe.perceptual else None
    if found is not None:
        step = _resume(found, generator, averaged, optimiser, schedule, data, judge)
        log.info("going on from step %d of %s", step, path)
    taught = found is None and (judge is not None or recipe.lip_steps > 0)
    saved = float("-inf") if taught else time.monotonic()  # what was taught is saved at once
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
                (folder / lips_first.FILE).unlink(missing_ok=True)
    return path


def _teach(
    generator: TcsanGenerator, judge: ActionUnitJudge | None, data: SpeechVideo, recipe: Recipe, lips: LipsRecipe, run: Run
) -> None:
    """What is learnt before anything is drawn: action units where the clips have labels, then lips where the recipe says so."""
    if judge is not None and not (run.folder / lips_first.FILE).exists():
        scores = pretrain(generator, judge.classifier, data, PretrainingRecipe(steps=recipe.pretraining_steps))
        write_scores(scores, str(run.origin.get("action_units", "unnamed source")), run.folder)
    if lips.steps:
        learn_lips(generator, data, lips, run, beside={"classifier": judge.classifier} if judge is not None else None)


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
    """What was taught before has groups of its own; the rest is one."""
    groups: list[dict[str, Any]] = []
    if recipe.lip_steps:
        groups += [{"params": speech_side(generator, units=judge is None), "lr": recipe.heard_share * recipe.learning_rate}]
    if judge is not None and generator.action_units is not None:
        groups += [{"params": list(generator.action_units.parameters()), "lr": recipe.audio2au_rate}]
    known = {id(value) for group in groups for value in group["params"]}
    groups = [{"params": [v for v in generator.parameters() if id(v) not in known], "lr": recipe.learning_rate}, *groups]
    if judge is not None:
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
