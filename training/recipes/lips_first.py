"""The speech side of a generator learns how lips move before anything is drawn.

Of what a picture loses, timing is a small part: a generator that learns from pictures alone needs thousands of steps to hear what
is said. Here the audio encoder, Audio2AU and the fusion network foretell the lips' and jaw's landmarks through one linear layer,
which is thrown away. No face is seen (the identity feature is zero, and begins at zero when drawing begins): what is learnt holds
for any. Afterwards these parts go on at a tenth of the rate. docs/decisions/0031 has the figures.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from realtime.errors import ModelError
from realtime.generators.layers import identity
from realtime.generators.layers.window_generator import WindowGenerator
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint
from training.dataset import LipBatchConfig, SpeechVideo
from training.lip_targets import N_DISTANCES, LipBatch
from training.recipes.resume import same_run

log = logging.getLogger(__name__)

Stateful = nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler
FILE = "lips.pt"  # in a run's folder, until it draws


@dataclass(frozen=True, kw_only=True)
class LipsRecipe:
    """points: weight of all landmarks beside opening and width; movement: of the change from frame to frame."""

    steps: int
    batch: LipBatchConfig = field(default_factory=LipBatchConfig)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    points: float = 1.0
    movement: float = 1.0
    bf16: bool = True
    save_minutes: float = 5


@dataclass(frozen=True, kw_only=True)
class Run:
    """The run that this stage is a part of: folder, and what a checkpoint says of it (`training.checkpoint.Checkpoint`)."""

    folder: Path
    system: str
    config: dict[str, Any]
    settings: dict[str, Any]
    origin: dict[str, Any]


def speech_side(generator: WindowGenerator, *, units: bool) -> list[nn.Parameter]:
    """The weights that hear: encoder and fusion; units: Audio2AU too."""
    parts: list[nn.Module] = [generator.audio_encoder, generator.fusion]
    if units and generator.action_units is not None:
        parts.append(generator.action_units)
    return [weight for part in parts for weight in part.parameters()]


def learn_lips(
    generator: WindowGenerator, data: SpeechVideo, recipe: LipsRecipe, run: Run, *, beside: Mapping[str, nn.Module] | None = None
) -> None:
    """Teaches the generator's speech side in place; interrupted, it goes on from what it left in the run's folder. beside:
    networks that were taught before, kept and restored with it; where there are any, Audio2AU was among them and learns no more.

    Raises ModelError where the folder holds another run's, or the loss is no number.
    """
    beside = beside or {}
    network = ForetoldLips(generator, data.lip_numbers)
    learning = [*speech_side(generator, units=not beside), *network.last.parameters()]
    optimiser = torch.optim.AdamW(learning, recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        recipe.learning_rate,
        recipe.steps,
        pct_start=max(0.05, 2 / recipe.steps),
        div_factor=10,
        cycle_momentum=False,
    )
    parts: dict[str, Stateful] = {"network": network, "optimiser": optimiser, "schedule": schedule, **beside}
    path, step = run.folder / FILE, 0
    if path.exists():
        step = _restore(path, parts, run, data)
        log.info("going on from step %d of %s", step, path)
    else:
        _save(path, parts, run, data, step)  # what was taught beside it is not taught again
    network.train()
    saved = time.monotonic()
    with (
        SummaryWriter(str(run.folder / "tensorboard" / "lips"), purge_step=step + 1) as board,
        tqdm(total=recipe.steps, initial=step, desc="hearing lips", unit="step") as bar,
    ):
        while step < recipe.steps:
            batch = data.draw_lips(recipe.batch)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
                found = network(batch.windows)
            loss = lip_loss(found.float(), batch, recipe)
            if not torch.isfinite(loss):
                raise ModelError(f"the loss of step {step + 1} of the lips is no number: {path} is as it was saved last")
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            bar.update()
            board.add_scalar("lips/loss", loss.item(), step)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}")
            if time.monotonic() - saved > 60 * recipe.save_minutes or step == recipe.steps:
                saved = time.monotonic()
                _save(path, parts, run, data, step)
    nn.init.zeros_(generator.identity_encoder.fc.weight)
    nn.init.zeros_(generator.identity_encoder.fc.bias)


class ForetoldLips(nn.Module):
    """A generator's speech side, and the linear layer that only this stage needs."""

    def __init__(self, generator: WindowGenerator, numbers: int) -> None:
        super().__init__()
        self.generator = generator
        self.last = nn.Linear(generator.config.fusion_channels, numbers)

    def forward(self, windows: Tensor) -> Tensor:
        """[B, T, 12, 28] → [B, T, N]."""
        nobody = {"identity_feature": torch.zeros(len(windows), identity.FEATURE)}
        out: Tensor = self.last(self.generator.fuse(nobody, windows))
        return out


def lip_loss(found: Tensor, batch: LipBatch, recipe: LipsRecipe) -> Tensor:
    """Mean absolute error of the numbers [B, T, N] and of their change, where they count."""
    error = (found - batch.lips).abs()
    moved = ((found - batch.lips)[:, 1:] - (found - batch.lips)[:, :-1]).abs()
    both = batch.counted[:, 1:] * batch.counted[:, :-1]

    def mean(values: Tensor, counted: Tensor) -> Tensor:
        return (values.mean(2) * counted).sum() / counted.sum().clamp(min=1)

    def of(part: slice) -> Tensor:
        return mean(error[..., part], batch.counted) + recipe.movement * mean(moved[..., part], both)

    return of(slice(N_DISTANCES)) + recipe.points * of(slice(N_DISTANCES, None))


def _save(path: Path, parts: Mapping[str, Stateful], run: Run, data: SpeechVideo, step: int) -> None:
    training: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
    training |= {"torch_rng": torch.get_rng_state(), "data_rng": json.dumps(data.rng_state)}
    kept = Checkpoint(
        system=run.system, config=run.config, step=step, weights={}, training=training, recipe=run.settings, data=run.origin
    )
    checkpoints.save(kept, path)


def _restore(path: Path, parts: Mapping[str, Stateful], run: Run, data: SpeechVideo) -> int:
    found = same_run(path, system=run.system, config=run.config, settings=run.settings, origin=run.origin)
    for name, part in parts.items():
        part.load_state_dict(found.training[name])
    torch.set_rng_state(found.training["torch_rng"])
    data.rng_state = json.loads(found.training["data_rng"])
    return found.step
