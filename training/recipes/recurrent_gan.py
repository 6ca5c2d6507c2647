"""The recipe of system 2: first without the discriminator, then as long against it.

papers/2, 4.2: Adam, β1 0.5, a constant 2e-4; reconstruction 1.5, identity 1.5, perceptual 0.07, action units 0.02, adversarial
0.002; 20 epochs without the frame discriminator, 20 with it. Epochs are shares of the steps here, for a corpus of any size:
half and half. With action-unit labels Audio2AU and the classifier are pre-trained and go on at 1e-6 and 1e-7; without, Audio2AU
learns as the rest does. `recurrent_gan_rows.py` has the rows of table 2; docs/decisions/0012 what the text leaves open.
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
from realtime.generators.recurrent_gan.config import RecurrentGanConfig
from realtime.generators.recurrent_gan.generator import RecurrentGanGenerator
from training import checkpoint as checkpoints
from training.action_units.judge import ActionUnitJudge
from training.action_units.pretraining import PretrainingRecipe, pretrain, write_scores
from training.averaging import AveragedWeights
from training.checkpoint import Checkpoint
from training.dataset import Batch, SpeechVideo
from training.discriminators.frame import FrameDiscriminator
from training.losses import minimax
from training.losses.perceptual import Perceptual
from training.recipes.face_losses import LossWeights, action_unit_judge, draw, face_losses
from training.recipes.resume import same_run

log = logging.getLogger(__name__)

SYSTEM = "recurrent_gan"
BETAS = (0.5, 0.999)
MIN_STEPS = 2  # one without the discriminator, one with it


@dataclass(frozen=True, kw_only=True)
class Recipe(LossWeights):
    """steps and rate of the optimiser; adversarial: weight of the discriminator's say, 0 for none; alone: share of the steps
    before it has one. With labels: steps of pre-training, and the joint rates of what was pre-trained.

    Raises ConfigError for fewer than MIN_STEPS steps, and for a share outside 0..1.
    """

    steps: int = 8000
    learning_rate: float = 2e-4
    seed: int = 1
    save_minutes: float = 5
    bf16: bool = True
    adversarial: float = 0.002
    discriminator_rate: float = 2e-4
    alone: float = 0.5
    pretraining_steps: int = 1500
    audio2au_rate: float = 1e-6
    classifier_rate: float = 1e-7

    def __post_init__(self) -> None:
        if self.steps < MIN_STEPS:
            raise ConfigError(f"{self.steps} optimiser steps: at least {MIN_STEPS} were expected")
        if not 0 <= self.alone <= 1:
            raise ConfigError(f"{self.alone:g} of the steps without a discriminator: a share of 0 to 1 was expected")

    def is_adversarial(self, step: int) -> bool:
        """Whether the discriminator has its say at a step, counted from 0."""
        return self.adversarial > 0 and step >= round(self.alone * self.steps)


class Learners:
    """All that learns, and what it learns with."""

    def __init__(self, config: RecurrentGanConfig, recipe: Recipe, data: SpeechVideo) -> None:
        self.generator = RecurrentGanGenerator(config)
        self.generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
        self.generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
        self.discriminator = FrameDiscriminator()
        self.judge = action_unit_judge(recipe, data)
        self.averaged = AveragedWeights(self.generator)
        self.optimiser = torch.optim.Adam(_groups(self.generator, self.judge, recipe), betas=BETAS)
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), recipe.discriminator_rate, betas=BETAS)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            **({"classifier": self.judge.classifier.state_dict()} if self.judge else {}),
        }

    def restore(self, found: Checkpoint) -> None:
        self.generator.load_state_dict(found.training["network"])
        self.averaged.network.load_state_dict(found.weights)
        self.averaged.steps = found.step
        self.discriminator.load_state_dict(found.training["discriminator"])
        self.optimiser.load_state_dict(found.training["optimiser"])
        self.discriminator_optimiser.load_state_dict(found.training["discriminator_optimiser"])
        if self.judge is not None:
            self.judge.classifier.load_state_dict(found.training["classifier"])


def train(config: RecurrentGanConfig, recipe: Recipe, data: SpeechVideo, folder: Path, origin: dict[str, Any]) -> Path:
    """Trains, or goes on training, in `folder`; returns the checkpoint. origin: what the data are, kept in the checkpoint.

    Raises ModelError where the folder's checkpoint is of another run, and where a loss is no number.
    """
    torch.manual_seed(recipe.seed)
    settings = {**asdict(recipe), "batch": asdict(data.batch), "augmentation": asdict(data.augmentation)}
    settings["commit"] = checkpoints.current_commit()
    path, step, saved = folder / "checkpoint.pt", 0, time.monotonic()
    found = None
    if path.exists():
        found = same_run(path, system=SYSTEM, config=config.to_dict(), settings=settings, origin=origin)
    learners = Learners(config, recipe, data)
    if found is not None:
        learners.restore(found)
        torch.set_rng_state(found.training["torch_rng"])
        data.rng_state, step = json.loads(found.training["data_rng"]), found.step
        log.info("going on from step %d of %s", step, path)
    elif learners.judge is not None:
        known = pretrain(learners.generator, learners.judge.classifier, data, PretrainingRecipe(steps=recipe.pretraining_steps))
        write_scores(known, str(origin.get("action_units", "unnamed source")), folder)
        learners.averaged = AveragedWeights(learners.generator)
        saved = float("-inf")  # what was pre-trained is saved at once
    perceptual = Perceptual() if recipe.perceptual else None
    with (
        SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1) as board,
        tqdm(total=recipe.steps, initial=step, desc=f"training {SYSTEM} {config.preset}", unit="step") as bar,
    ):
        while step < recipe.steps:
            batch = data.draw()
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
                parts, judged = losses(learners, batch, recipe, perceptual, adversarial=recipe.is_adversarial(step))
            total = torch.stack(list(parts.values())).sum()
            if not all(torch.isfinite(value) for value in (total, *judged.values())):
                values = {name: round(value.item(), 3) for name, value in (parts | judged).items()}
                raise ModelError(f"the loss of step {step + 1} is no number {values}: {path} is as it was saved last")
            _learn(learners.optimiser, total)
            if judged:
                _learn(learners.discriminator_optimiser, judged["loss"])
            learners.averaged.update(learners.generator)
            step += 1
            bar.update()
            board.add_scalar("loss/total", total.item(), step)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{total.item():.3f}")
                _record(board, parts, judged, step)
            if time.monotonic() - saved > 60 * recipe.save_minutes or step == recipe.steps:
                saved = time.monotonic()
                random = {"torch_rng": torch.get_rng_state(), "data_rng": json.dumps(data.rng_state)}
                kept = Checkpoint(
                    system=SYSTEM,
                    config=config.to_dict(),
                    step=step,
                    weights=learners.averaged.network.state_dict(),
                    training=learners.state() | random,
                    recipe=settings,
                    data=origin,
                )
                checkpoints.save(kept, path)
    return path


def losses(
    learners: Learners, batch: Batch, recipe: Recipe, perceptual: Perceptual | None, *, adversarial: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The generator's losses by name, weighted, and of the discriminator its loss and how real it takes real and drawn frames
    to be (nothing before it has a say). Neither's gradients reach the other's weights."""
    drawn = draw(learners.generator, batch)
    parts = face_losses(drawn, batch, recipe, perceptual, learners.judge)
    if not adversarial:
        return parts, {}
    real, fake = learners.discriminator(drawn.target), learners.discriminator(drawn.crop.detach())
    judged = {
        "loss": minimax.discriminator(real, fake),
        "real": torch.sigmoid(real.detach().float()).mean(),
        "drawn": torch.sigmoid(fake.detach().float()).mean(),
    }
    learners.discriminator.requires_grad_(False)
    parts["adversarial"] = recipe.adversarial * minimax.generator(learners.discriminator(drawn.crop))
    learners.discriminator.requires_grad_(True)
    return parts, judged


def _groups(generator: RecurrentGanGenerator, judge: ActionUnitJudge | None, recipe: Recipe) -> list[dict[str, Any]]:
    """One group without labels; with them Audio2AU and the classifier have groups of their own."""
    if judge is None:
        return [{"params": list(generator.parameters()), "lr": recipe.learning_rate}]
    known = [value for name, value in generator.named_parameters() if name.startswith("action_units.")]
    others = [value for name, value in generator.named_parameters() if not name.startswith("action_units.")]
    return [
        {"params": others, "lr": recipe.learning_rate},
        *([{"params": known, "lr": recipe.audio2au_rate}] if known else []),
        {"params": list(judge.classifier.parameters()), "lr": recipe.classifier_rate},
    ]


def _learn(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([value for group in optimiser.param_groups for value in group["params"]], 1.0)
    optimiser.step()


def _record(board: SummaryWriter, parts: dict[str, Tensor], judged: dict[str, Tensor], step: int) -> None:
    for name, value in parts.items():
        board.add_scalar(f"loss/{name}", value.item(), step)
    for name, value in judged.items():
        board.add_scalar(f"discriminator/{name}", value.item(), step)
