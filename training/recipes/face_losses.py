"""What drawn faces lose against real ones, for every system that draws them from windows of speech."""

from dataclasses import dataclass

import torch
from torch import Tensor

from realtime.errors import ConfigError
from realtime.generators.layers.window_generator import WindowGenerator
from training.action_units.judge import ActionUnitJudge
from training.dataset import Batch, SpeechVideo
from training.losses import motion, picture
from training.losses.perceptual import Perceptual

FAINTEST = 1e-3  # mask whose colour is judged; fainter is the box's border


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Each loss's weight: the published ones, then those of the flow head alone.

    perceptual_every: frames, for VGG costs more than the generator; action_units needs clips with labels.
    """

    reconstruction: float = 1.5
    identity: float = 1.5
    perceptual: float = 0.07
    perceptual_every: int = 8
    action_units: float = 0.0
    position: float = 1.0
    movement: float = 1.0
    roughness: float = 0.05
    painted: float = 1.0
    opening: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """N drawn frames of all clips: crop, target and portrait [N, 3, 112, 112] in 0..1, and the head's outputs."""

    crop: Tensor
    target: Tensor
    portrait: Tensor
    outputs: dict[str, Tensor]


def draw(generator: WindowGenerator, batch: Batch) -> Drawn:
    """Every heard frame goes through the network, the batch's drawn ones through the head."""
    identity = generator.prepare(batch.portrait)
    fused = generator.fuse(identity, batch.windows)
    index = batch.first_drawn[:, None] + torch.arange(batch.target.shape[1])
    fused = fused.gather(1, index[..., None].expand(-1, -1, fused.shape[2]))
    outputs = {name: value.float() for name, value in generator.head(fused.flatten(0, 1), identity).items()}
    portrait = batch.portrait[:, None, :3].expand_as(batch.target).flatten(0, 1)
    crop = generator.head.picture(outputs, portrait)
    return Drawn(crop=crop, target=batch.target.flatten(0, 1), portrait=portrait, outputs=outputs)


def face_losses(
    drawn: Drawn, batch: Batch, weights: LossWeights, perceptual: Perceptual | None, judge: ActionUnitJudge | None
) -> dict[str, Tensor]:
    """Every loss by its name, weighted.

    Source: papers/1, eq. (11); papers/2, eq. (8) without the adversarial term, which needs a discriminator.
    """
    parts = {
        "reconstruction": weights.reconstruction * picture.reconstruction(drawn.crop, drawn.target),
        "identity": weights.identity * picture.identity(drawn.crop, drawn.portrait),
    }
    if perceptual is not None:
        some = slice(None, None, weights.perceptual_every)
        mouths = picture.of_mouth(drawn.crop[some]), picture.of_mouth(drawn.target[some])
        parts["perceptual"] = weights.perceptual * perceptual(*mouths)
    if judge is not None and weights.action_units:
        parts["action_units"] = weights.action_units * judge(drawn.crop, batch.action_units.flatten(0, 1))
    if "flow" in drawn.outputs:
        parts |= _flow_losses(drawn, batch, weights)
    return parts


def action_unit_judge(weights: LossWeights, data: SpeechVideo) -> ActionUnitJudge | None:
    """The judge of clips that have labels.

    Raises ConfigError where action units are to be judged that the clips do not have.
    """
    if data.action_unit_rates is not None:
        return ActionUnitJudge(data.action_unit_rates)
    if weights.action_units:
        raise ConfigError(f"an action-unit loss of weight {weights.action_units:g}: clips with labels were expected")
    return None


def _flow_losses(drawn: Drawn, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    flow, mouth = drawn.outputs["flow"], drawn.outputs["mouth"]  # a decoded one: an inpainted one has a recipe of its own
    colours, visible = mouth[:, :3] / mouth[:, 3:].clamp(min=FAINTEST), mouth[:, 3] > FAINTEST
    by_clip = flow.unflatten(0, batch.landmarks.shape[:2])
    position, movement = motion.landmark_flow(by_clip, batch.landmarks, batch.portrait_landmarks)
    opening, cover = batch.opening.flatten(0, 1), batch.cover.flatten(0, 1)
    return {
        "position": weights.position * position,
        "movement": weights.movement * movement,
        "roughness": weights.roughness * motion.roughness(flow),
        "painted": weights.painted
        * picture.painted(colours, picture.of_mouth(drawn.target), torch.maximum(opening, cover) * visible),
        "opening": weights.opening * picture.opening_mask(mouth[:, 3], opening, cover),
    }
