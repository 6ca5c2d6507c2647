"""The discriminator of frames: eq. (4), what it learns, and that what it says reaches the generator and nothing else."""

import math

import pytest
import torch
from torch import Tensor

from tests.streaming.narrow import awake, narrow_recurrent_config
from tests.training.noise import noise_video
from training.augmentation import AugmentationConfig
from training.dataset import BatchConfig, SpeechVideo
from training.discriminators.frame import FrameDiscriminator
from training.losses import minimax
from training.preprocessing import PreparedClip
from training.recipes.recurrent_gan import Learners, Recipe, losses

RECIPE = Recipe(steps=4, perceptual=0, bf16=False)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_loss_is_equation_4() -> None:
    real, drawn = torch.tensor([0.3, 2.0, -1.0]), torch.tensor([0.5, -2.0, 0.1])
    of_real, of_drawn = torch.sigmoid(real), torch.sigmoid(drawn)
    by_hand = of_real.log().mean() + (1 - of_drawn).log().mean()
    assert minimax.discriminator(real, drawn).item() == pytest.approx(-by_hand.item(), rel=1e-5)
    assert minimax.discriminator(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(2 * math.log(2))
    assert minimax.generator(drawn).item() == pytest.approx(-of_drawn.log().mean().item(), rel=1e-5)
    sure = torch.tensor([-30.0], requires_grad=True)  # a discriminator that is sure leaves the generator a way back
    minimax.generator(sure).backward()
    assert sure.grad is not None
    assert sure.grad.item() == pytest.approx(-1, abs=1e-4)


def faces(prepared: list[PreparedClip], speaker: str, seed: int) -> Tensor:
    """Eight real crops [8, 3, 112, 112] of a speaker, each in a look of its own."""
    data = SpeechVideo(
        [clip for clip in prepared if clip.speaker == speaker],
        window_offset_hops=-14,
        lookahead=0,
        batch=BatchConfig(clips=8, heard=1, drawn=1),
        augmentation=AugmentationConfig(variants=1),
        seed=seed,
    )
    return data.draw().target[:, 0]


@pytest.mark.usefixtures("nobody_smiles")
def test_it_learns_to_tell_real_faces_from_mean_ones(prepared: list[PreparedClip]) -> None:
    """In a few steps, from two people; of a third it knows it too. A face halfway between two is what a mean difference likes."""
    torch.manual_seed(0)
    discriminator = FrameDiscriminator(16)
    optimiser = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.5, 0.999))

    def told_apart() -> float:
        """By how much more real the third person's faces are to it than their means with the first's."""
        real, other = faces(prepared, "s3", 7), faces(prepared, "s1", 8)
        with torch.no_grad():
            return float((discriminator(real) - discriminator((real + other) / 2)).mean())

    before, losses = told_apart(), []
    for step in range(25):
        first, second = faces(prepared, "s1", 2 * step), faces(prepared, "s2", 2 * step + 1)
        loss = minimax.discriminator(discriminator(torch.cat([first, second])), discriminator((first + second) / 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-8:]) / 8 < 1.2  # 2 log 2 where it knows nothing; crops differ a little with the machine's threads
    assert abs(before) < 0.2
    assert told_apart() > 1


@pytest.mark.parametrize(("preset", "offset"), [("live", -14), ("paper", -13)])
def test_its_gradient_reaches_the_whole_generator_and_no_further(preset: str, offset: int) -> None:
    torch.manual_seed(0)
    data = noise_video(offset=offset, lookahead=0)
    learners = Learners(narrow_recurrent_config(preset), RECIPE, data)
    awake(learners.generator).train()
    parts, judged = losses(learners, data.draw(silent=0), RECIPE, None, adversarial=True)
    parts["adversarial"].backward(retain_graph=True)
    reached = {name for name, value in learners.generator.named_parameters() if value.grad is not None and value.grad.any()}
    for part in ("identity_encoder.", "audio_encoder.", "action_units.", "recurrent.", "head."):
        assert [name for name in reached if name.startswith(part)], part
    assert all(value.grad is None for value in learners.discriminator.parameters())
    learners.generator.zero_grad()
    judged["loss"].backward()
    assert all(value.grad is None for value in learners.generator.parameters())
    assert all(value.grad is not None and value.grad.any() for value in learners.discriminator.parameters())


def test_without_it_nothing_of_it_is_asked() -> None:
    data = noise_video(offset=-14, lookahead=0)
    learners = Learners(narrow_recurrent_config("live"), RECIPE, data)
    parts, judged = losses(learners, data.draw(), RECIPE, None, adversarial=False)
    assert "adversarial" not in parts
    assert judged == {}


def test_a_generator_that_listens_to_it_alone_draws_what_it_takes_for_real() -> None:
    """The discriminator learns first; then, frozen, it leads the generator."""
    torch.manual_seed(0)
    data = noise_video(offset=-13, lookahead=0)
    learners, batch = Learners(narrow_recurrent_config("paper"), RECIPE, data), data.draw(silent=0)
    optimiser = torch.optim.Adam(learners.discriminator.parameters(), 1e-3)
    for _ in range(20):
        _, judged = losses(learners, batch, RECIPE, None, adversarial=True)
        if judged["real"] > judged["drawn"] + 0.3:  # a judge who is sure leads nowhere
            break
        optimiser.zero_grad()
        judged["loss"].backward()
        optimiser.step()
    assert judged["real"] > judged["drawn"] + 0.3
    learners.discriminator.eval()  # its norms stand still
    convinced = []
    for _ in range(30):
        parts, led = losses(learners, batch, RECIPE, None, adversarial=True)
        convinced.append(float(led["drawn"]))
        learners.optimiser.zero_grad()
        (parts["adversarial"] / RECIPE.adversarial).backward()
        learners.optimiser.step()
    assert convinced[-1] > convinced[0] + 0.01
