"""The second stage paints and does nothing else, against a judge that tells a sharp mouth from a soft one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from realtime.errors import ModelError
from tests.streaming.narrow import narrow_config
from tests.training.noise import SMALL, noise_video
from tests.unit.portraits import portrait
from training import checkpoint as checkpoints
from training.dataset import SpeechVideo
from training.discriminators.mouth import MouthDiscriminator
from training.losses import adversarial
from training.recipes import paint, tcsan
from training.recipes.paint import DECODED, PAINTS, PaintRecipe
from training.teeth import of_portrait

LENT = f"{PAINTS}lent."
RECIPE = PaintRecipe(steps=4, perceptual=0, save_minutes=0, bf16=False)


def lending() -> SpeechVideo:
    return noise_video(replace(SMALL, lent=1.0))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first stage of three steps."""
    torch.set_num_threads(1)
    recipe = tcsan.Recipe(steps=3, perceptual=0, bf16=False)
    return tcsan.train(narrow_config("live"), recipe, noise_video(), tmp_path_factory.mktemp("first"), {"clips": 2})


def test_only_the_paint_learns(first: Path, tmp_path: Path) -> None:
    before = checkpoints.load(first)
    after = checkpoints.load(paint.train(first, RECIPE, noise_video(), tmp_path))
    for name, value in after.weights.items():
        if name.startswith("head.to_flow."):
            assert torch.equal(value, RECIPE.motion * before.weights[name]), name
        elif not name.startswith(PAINTS):
            assert torch.equal(value, before.weights[name]), name
    assert {name for name in before.weights if name not in after.weights} == {n for n in before.weights if n.startswith(DECODED)}
    assert (after.config, after.data, after.step) == (before.config | {"mouth": "inpainted"}, before.data, 4)
    assert after.recipe["first_stage"] == before.recipe


def test_the_paint_does_learn(first: Path, tmp_path: Path) -> None:
    after = checkpoints.load(paint.train(first, RECIPE, lending(), tmp_path / "some"))
    more = checkpoints.load(paint.train(first, replace(RECIPE, steps=8), lending(), tmp_path / "more"))
    learnt = {name for name, value in more.weights.items() if not torch.equal(value, after.weights[name])}
    assert learnt == {name for name in more.weights if name.startswith(PAINTS) and not name.startswith(LENT)}


def test_teeth_are_lent_and_not_learnt(first: Path, tmp_path: Path) -> None:
    """What the photograph shows between its lips stays in the weights as it is."""
    smiling = portrait("eileen-collins")
    painted = checkpoints.load(paint.train(first, RECIPE, lending(), tmp_path, smiling))
    pixels, face = of_portrait(smiling)
    assert torch.equal(painted.weights[f"{LENT}pixels"], pixels)
    assert torch.equal(painted.weights[f"{LENT}face"], face)
    assert pixels[3].sum() > 80


def test_a_painting_goes_on_from_a_painting_anew(first: Path, tmp_path: Path) -> None:
    """A painted checkpoint is as good a first stage: its paint is learnt again."""
    painted = paint.train(first, RECIPE, noise_video(), tmp_path / "once")
    again = checkpoints.load(paint.train(painted, RECIPE, noise_video(), tmp_path / "twice"))
    assert again.config["mouth"] == "inpainted"
    assert again.recipe["first_stage"]["paint"]["steps"] == RECIPE.steps


def test_a_painting_resumes_exactly(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken = checkpoints.load(paint.train(first, RECIPE, noise_video(), tmp_path / "one"))
    one_step, count = paint._one_step, iter(range(2))

    def stopping(*args: object, **kwargs: object) -> object:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return one_step(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(paint, "_one_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            paint.train(first, RECIPE, noise_video(), tmp_path / "two")
    resumed = checkpoints.load(paint.train(first, RECIPE, noise_video(), tmp_path / "two"))
    assert resumed.step == 4
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    with pytest.raises(ModelError, match="another recipe"):
        paint.train(first, PaintRecipe(steps=5, perceptual=0), noise_video(), tmp_path / "two")


def test_a_head_without_paint_is_refused(tmp_path: Path) -> None:
    recipe = tcsan.Recipe(steps=3, perceptual=0, bf16=False)
    first = tcsan.train(narrow_config("paper"), recipe, noise_video(lookahead=15), tmp_path / "paper", {})
    with pytest.raises(ModelError, match="only the flow head"):
        paint.train(first, RECIPE, noise_video(), tmp_path / "painted")


def test_the_judge_learns_that_real_mouths_have_edges() -> None:
    """And then its gradient asks a soft mouth for contrast."""
    torch.manual_seed(0)
    judge, weight = MouthDiscriminator(8), torch.ones(8, 1, 10, 14)
    optimiser = torch.optim.Adam(judge.parameters(), 2e-3)

    def pair() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        sharp = (torch.rand(8, 3, 40, 56) > 0.5).float()
        soft = interpolate(avg_pool2d(sharp, 4), scale_factor=4, mode="bilinear")
        return sharp, soft, torch.rand(8, 4, 40, 56)

    for _ in range(40):
        sharp, soft, portrait = pair()
        loss = adversarial.discriminator_hinge(judge(sharp, portrait)[0], judge(soft, portrait)[0], weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    sharp, soft, portrait = pair()
    assert judge(sharp, portrait)[0].mean() > judge(soft, portrait)[0].mean() + 0.5
    soft.requires_grad_()
    adversarial.generator_hinge(judge(soft, portrait)[0], weight).backward()
    assert soft.grad is not None
    moved = soft.detach() - 50 * soft.grad
    assert moved.std() > soft.std()


def test_patches_without_an_open_mouth_do_not_count() -> None:
    real, drawn = torch.full((1, 1, 2, 2), 5.0), torch.full((1, 1, 2, 2), 3.0)
    weight = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    drawn[..., 1, 1] = 1000
    assert adversarial.discriminator_hinge(real, drawn, weight) == 4
    assert adversarial.generator_hinge(drawn, weight) == -3
