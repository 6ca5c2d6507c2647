"""A second stage for the flow head: what lies between the lips is painted anew; everything else stays as it is.

The first stage's mean absolute difference is least at the median of all mouths that fit a sound: a soft grey band for teeth. And
it learns with lips that are not quite where the target's are, so its paint ends where lips end on average. Here a network of its
own (`mouth_inpainter.py`) learns. It sees the portrait's mouth as the flow leaves it. While it learns, that flow is led to the
target's very lips (`aligned_flow.py`), so that what it is to paint is exactly what lies between those it sees. And a
discriminator of patches says what the median does not: that real mouths have edges. The lips' timing is the first stage's to
the bit, and their motion but for one factor: where a sound leaves open how far lips move, the least error is to move them less
than anybody does. papers/2 weighs its discriminator of whole faces 0.002; ours, of the mouth alone, weighs more.
"""

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from realtime.errors import ModelError
from realtime.generators.layers.flow_head import FlowHead, in_mouth_box, warp
from realtime.generators.layers.mouth_inpainter import MouthInpainter
from realtime.generators.layers.window_generator import WindowGenerator
from realtime.generators.registry import system
from realtime.portrait import Portrait
from training import checkpoint as checkpoints
from training.aligned_flow import aligned
from training.averaging import AveragedWeights
from training.checkpoint import Checkpoint
from training.dataset import Batch, SpeechVideo
from training.discriminators.mouth import MouthDiscriminator
from training.losses import adversarial, picture
from training.losses.perceptual import Perceptual
from training.teeth import of_portrait

log = logging.getLogger(__name__)

PAINTS = "head.inpainter."
DECODED = ("head.mouth_28.", "head.of_mouth_56.", "head.mouth_56.", "head.of_mouth_112.", "head.to_mouth.")
PATCH = 4  # mouth-box pixels a score stands for


@dataclass(frozen=True, kw_only=True)
class PaintRecipe:
    """Steps, rates and the weight of each loss. judged_from: share of the run from which the discriminator is listened to;
    decided_by: share at which `undecided` has its whole weight; motion: factor on the first stage's flow."""

    steps: int = 2000
    learning_rate: float = 8e-4
    discriminator_rate: float = 6e-4
    seed: int = 1
    save_minutes: float = 5
    bf16: bool = True
    painted: float = 0.3
    composed: float = 0.4
    opening: float = 0.5
    spared: float = 0.01
    undecided: float = 0.03
    perceptual: float = 0.6
    perceptual_every: int = 3
    adversarial: float = 0.15
    matching: float = 1.0
    judged_from: float = 0.15
    decided_by: float = 0.2
    motion: float = 1.12


def train(first: Path, recipe: PaintRecipe, data: SpeechVideo, folder: Path, smiling: Portrait | None = None) -> Path:
    """Paints the generator of the checkpoint `first` anew, or goes on in `folder`; returns the new checkpoint. smiling: whose
    teeth it lends to portraits that show none.

    Raises ModelError where the first stage's head paints no mouth, or the folder's checkpoint came of another recipe.
    """
    kept = checkpoints.load(first)
    kind = system(kept.system)
    config = kind.config_from_dict(kept.config)
    if config.head != "flow":
        raise ModelError(f"{first} has the head {config.head!r}: only the flow head paints a mouth of its own")
    torch.manual_seed(recipe.seed)
    config = replace(config, mouth="inpainted")
    generator = kind.build(config)
    _begin(generator, kept.weights)
    _move_further(generator, recipe.motion)
    if smiling is not None:
        _painter(generator).lent.take(*of_portrait(smiling))
    learning = _only_paint(generator)
    averaged, judge = AveragedWeights(generator, decay=0.995), MouthDiscriminator()
    optimisers = (
        torch.optim.AdamW(learning, recipe.learning_rate, betas=(0.5, 0.99)),
        torch.optim.AdamW(judge.parameters(), recipe.discriminator_rate, betas=(0.5, 0.99)),
    )
    perceptual = Perceptual() if recipe.perceptual else None
    settings = {
        "first_stage": kept.recipe,
        "first_steps": kept.step,
        "paint": asdict(recipe),
        "batch": asdict(data.batch),
        "commit": checkpoints.current_commit(),
    }
    path, step = folder / "checkpoint.pt", 0
    if path.exists():
        step = _resume(path, settings, generator, averaged, judge, optimisers, data)
        log.info("going on from step %d of %s", step, path)
    saved = time.monotonic()
    with (
        SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1) as board,
        tqdm(total=recipe.steps, initial=step, desc="painting", unit="step") as bar,
    ):
        while step < recipe.steps:
            parts = _one_step(generator, judge, data.draw(), recipe, perceptual, optimisers, share=step / recipe.steps)
            averaged.update(generator)
            step += 1
            bar.update()
            for name, value in parts.items():
                board.add_scalar(f"paint/{name}", value.item(), step)
            if step % 20 == 0:
                bar.set_postfix({name: f"{value.item():.3f}" for name, value in parts.items()})
            if time.monotonic() - saved > 60 * recipe.save_minutes or step == recipe.steps:
                saved = time.monotonic()
                training = {
                    "network": generator.state_dict(),
                    "judge": judge.state_dict(),
                    "optimisers": [optimiser.state_dict() for optimiser in optimisers],
                    "torch_rng": torch.get_rng_state(),
                    "data_rng": json.dumps(data.rng_state),
                }
                weights = averaged.network.state_dict()
                checkpoints.save(_kept(kept, config.to_dict(), step, weights, training, settings), path)
    return path


def _one_step(
    generator: WindowGenerator,
    judge: MouthDiscriminator,
    batch: Batch,
    recipe: PaintRecipe,
    perceptual: Perceptual | None,
    optimisers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    share: float,
) -> dict[str, Tensor]:
    """Both networks learn from one batch; share: of the run that is over, at whose end the rates are 0."""
    for optimiser, rate in zip(optimisers, (recipe.learning_rate, recipe.discriminator_rate), strict=True):
        optimiser.param_groups[0]["lr"] = rate * (1 - share)
    drawn, moved, mouth, shares = _paint(generator, batch, recipe.bf16)
    opening, cover = batch.opening.flatten(0, 1), batch.cover.flatten(0, 1)
    where = torch.maximum(opening, cover)
    target = picture.of_mouth(batch.target.flatten(0, 1))
    real = moved + (target - moved) * where[:, None]  # between the same lips: only what is painted can give it away
    beside = picture.of_mouth(batch.portrait)[:, None].expand(-1, batch.target.shape[1], -1, -1, -1).flatten(0, 1)
    weight = avg_pool2d(where[:, None], PATCH)

    rounded = torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16)
    with rounded:
        real_scores, _ = judge(real, beside)
        drawn_scores, _ = judge(drawn.detach(), beside)
    judged = adversarial.discriminator_hinge(real_scores.float(), drawn_scores.float(), weight)
    _learn(optimisers[1], judged, judge.parameters())

    with torch.no_grad(), rounded:
        _, real_features = judge(real, beside)
    with rounded:
        scores, features = judge(drawn, beside)
    parts = {
        "painted": recipe.painted * picture.painted(mouth[:, :3], target, where),
        "composed": recipe.composed * picture.painted(drawn, real, where),
        "opening": recipe.opening * picture.opening_mask(mouth[:, 3], opening, cover),
        "spared": recipe.spared * picture.spared(mouth[:, 3], opening, cover),
        "undecided": recipe.undecided * min(1.0, share / recipe.decided_by) * picture.undecided(shares, where),
        "matching": recipe.matching * adversarial.feature_matching([f.float() for f in features], real_features),
    }
    if share >= recipe.judged_from:
        parts["adversarial"] = recipe.adversarial * adversarial.generator_hinge(scores.float(), weight)
    if perceptual is not None:
        some = slice(None, None, recipe.perceptual_every)
        with rounded:
            parts["perceptual"] = recipe.perceptual * perceptual(drawn[some], real[some])
    _learn(optimisers[0], torch.stack(list(parts.values())).sum(), (p for p in generator.parameters() if p.requires_grad))
    return parts | {"judge": judged}


def _paint(generator: WindowGenerator, batch: Batch, bf16: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The mouth boxes [N, 3, 40, 56] composed and as the flow alone leaves them; what is seen inside [N, 4, 40, 56], R, G, B and
    mask, as it is learnt; and its sources' shares. Gradients reach the paint alone."""
    head, n_drawn = cast(FlowHead, generator.head), batch.target.shape[1]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        identity = generator.prepare(batch.portrait)
        fused = generator.fuse(identity, batch.windows)
        index = batch.first_drawn[:, None] + torch.arange(n_drawn)
        fused = fused.gather(1, index[..., None].expand(-1, -1, fused.shape[2]))
        known, flow = head.moved(fused.flatten(0, 1), identity)
        shown = batch.portrait_landmarks[:, None].expand_as(batch.landmarks)
    flow = aligned(flow.float(), batch.landmarks.flatten(0, 1), shown.flatten(0, 1))
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        identity |= _painter(generator).session(batch.portrait, batch.teeth)
        inside = _painter(generator).inside(_painter(generator)(in_mouth_box(known), flow, identity), identity)
    portrait = batch.portrait[:, None, :3].expand_as(batch.target).flatten(0, 1)
    moved = picture.of_mouth(warp(portrait, flow))
    colours, mask = inside.colours(moved).float(), (inside.mask * head.mouth_taper).float()
    mouth = torch.cat([colours, mask], 1)
    return moved + (colours - moved) * mask, moved, mouth, inside.shares.float()


def _begin(generator: WindowGenerator, first: dict[str, Tensor]) -> None:
    """With the first stage's weights, less those of the mouth that it painted."""
    kept = {name: value for name, value in first.items() if not name.startswith((*DECODED, PAINTS))}
    fresh = {name: value for name, value in generator.state_dict().items() if name.startswith(PAINTS)}
    generator.load_state_dict(kept | fresh)


@torch.no_grad()
def _move_further(generator: WindowGenerator, factor: float) -> None:
    for name, weight in generator.named_parameters():
        if name.startswith("head.to_flow."):
            weight.mul_(factor)


def _painter(generator: WindowGenerator) -> MouthInpainter:
    return cast(MouthInpainter, cast(FlowHead, generator.head).inpainter)


def _only_paint(generator: WindowGenerator) -> list[nn.Parameter]:
    """Freezes everything but the paint, dropout and batch statistics included."""
    generator.eval()
    for name, parameter in generator.named_parameters():
        parameter.requires_grad_(name.startswith(PAINTS))
    return [parameter for parameter in generator.parameters() if parameter.requires_grad]


def _learn(optimiser: torch.optim.Optimizer, loss: Tensor, parameters: Any) -> None:
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()


def _kept(
    first: Checkpoint,
    config: dict[str, Any],
    step: int,
    weights: dict[str, Tensor],
    training: dict[str, Any],
    settings: dict[str, Any],
) -> Checkpoint:
    return Checkpoint(
        system=first.system, config=config, step=step, weights=weights, training=training, recipe=settings, data=first.data
    )


def _resume(
    path: Path,
    settings: dict[str, Any],
    generator: WindowGenerator,
    averaged: AveragedWeights,
    judge: MouthDiscriminator,
    optimisers: tuple[torch.optim.Optimizer, ...],
    data: SpeechVideo,
) -> int:
    found = checkpoints.load(path)
    if {**found.recipe, "commit": ""} != {**settings, "commit": ""}:
        raise ModelError(f"{path} was begun with another recipe or first stage: name another folder, or remove it to start anew")
    generator.load_state_dict(found.training["network"])
    averaged.network.load_state_dict(found.weights)
    averaged.steps = found.step
    judge.load_state_dict(found.training["judge"])
    for optimiser, state in zip(optimisers, found.training["optimisers"], strict=True):
        optimiser.load_state_dict(state)
    torch.set_rng_state(found.training["torch_rng"])
    data.rng_state = json.loads(found.training["data_rng"])
    return found.step
