"""System 2's run: first alone, then against the discriminator; it learns, resumes exactly, and goes on only as the run it was."""

import dataclasses
from itertools import cycle
from pathlib import Path
from typing import get_args

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from export.export import build
from realtime.errors import ConfigError, ModelError
from realtime.generators.recurrent_gan.config import from_dict, preset
from realtime.generators.tcsan.config import Fusion
from tests.streaming.narrow import narrow_recurrent_config
from tests.training.noise import noise_video
from training import checkpoint as checkpoints
from training.dataset import SpeechVideo
from training.recipes import published, recurrent_gan, recurrent_gan_rows
from training.recipes.chosen import chosen
from training.recipes.recurrent_gan import Recipe, train

RECIPE = Recipe(steps=6, perceptual=0, bf16=False, save_minutes=0)
LIVE = narrow_recurrent_config("live")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class StopError(Exception):
    """Somebody pulled the plug."""


def video() -> SpeechVideo:
    return noise_video(lookahead=0, offset=-14)


def run_until(steps: int, folder: Path) -> None:
    data = video()
    draw, count = data.draw, iter(range(steps))

    def draw_some() -> object:
        if next(count, None) is None:
            raise StopError
        return draw()

    data.draw = draw_some  # type: ignore[assignment,method-assign]
    with pytest.raises(StopError):
        train(LIVE, RECIPE, data, folder, {})


@pytest.mark.parametrize("stop", [2, 3, 5])  # before the discriminator has its say, as it begins, and after
def test_a_run_resumes_exactly(tmp_path: Path, stop: int) -> None:
    unbroken = checkpoints.load(train(LIVE, RECIPE, video(), tmp_path / "one", {}))
    run_until(stop, tmp_path / "two")
    assert checkpoints.load(tmp_path / "two" / "checkpoint.pt").step == stop
    resumed = checkpoints.load(train(LIVE, RECIPE, video(), tmp_path / "two", {}))
    assert (unbroken.system, resumed.step, unbroken.step) == ("recurrent_gan", 6, 6)
    for which in ("network", "discriminator"):
        for name, value in unbroken.training[which].items():
            assert torch.equal(value, resumed.training[which][name]), name
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    assert from_dict(resumed.config) == LIVE
    build(resumed)


def test_half_of_the_steps_are_without_the_discriminator(tmp_path: Path) -> None:
    run_until(3, tmp_path)
    alone = checkpoints.load(tmp_path / "checkpoint.pt").training["discriminator"]
    torch.manual_seed(RECIPE.seed)
    untouched = recurrent_gan.Learners(LIVE, RECIPE, video()).discriminator.state_dict()
    assert all(torch.equal(value, untouched[name]) for name, value in alone.items())
    train(LIVE, RECIPE, video(), tmp_path, {})
    against = checkpoints.load(tmp_path / "checkpoint.pt").training["discriminator"]
    assert not torch.equal(against["score.parametrizations.weight.original"], alone["score.parametrizations.weight.original"])
    assert [RECIPE.is_adversarial(step) for step in range(6)] == [False] * 3 + [True] * 3
    assert not any(dataclasses.replace(RECIPE, adversarial=0).is_adversarial(step) for step in range(6))


def test_it_learns_and_writes_its_curves(tmp_path: Path) -> None:
    """Sixty steps on three batches again and again: the loss falls, and the discriminator's own is recorded from the 30th on."""
    recipe = dataclasses.replace(RECIPE, steps=60, learning_rate=2e-3, save_minutes=5)
    data = video()
    again = cycle([data.draw() for _ in range(3)])
    data.draw = lambda silent=None: next(again)  # type: ignore[method-assign]  # noqa: ARG005
    train(LIVE, recipe, data, tmp_path, {})
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    curve = [event.value for event in board.Scalars("loss/total")]
    assert len(curve) == 60
    assert sum(curve[21:30]) < 0.995 * sum(curve[:9])  # of the same batches: equal to the bit where nothing is learnt
    assert [event.step for event in board.Scalars("loss/reconstruction")] == [20, 40, 60]
    assert [event.step for event in board.Scalars("discriminator/loss")] == [40, 60]


def test_a_run_goes_on_only_as_the_run_it_was(tmp_path: Path) -> None:
    run_until(2, tmp_path)
    with pytest.raises(ModelError, match="another configuration"):
        train(narrow_recurrent_config("paper"), RECIPE, video(), tmp_path, {})
    with pytest.raises(ModelError, match=r"another recipe \(adversarial: 0.002, now 0.1\)"):
        train(LIVE, dataclasses.replace(RECIPE, adversarial=0.1), video(), tmp_path, {})
    with pytest.raises(ModelError, match="another data"):
        train(LIVE, RECIPE, video(), tmp_path, {"clips": 7})
    kept = checkpoints.load(tmp_path / "checkpoint.pt")
    kept.system = "tcsan"
    checkpoints.save(kept, tmp_path / "checkpoint.pt")
    with pytest.raises(ModelError, match=r"another system \(system: 'tcsan', now 'recurrent_gan'\)"):
        train(LIVE, RECIPE, video(), tmp_path, {})


@pytest.mark.parametrize("whose", ["generator", "discriminator"])
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    run_until(3, tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    bad, good = torch.tensor(float("nan")), torch.tensor(1.0)
    values = ({"reconstruction": bad}, {}) if whose == "generator" else ({"reconstruction": good}, {"loss": bad})
    monkeypatch.setattr(recurrent_gan, "losses", lambda *_, **__: values)
    with pytest.raises(ModelError, match="step 4 is no number"):
        train(LIVE, RECIPE, video(), tmp_path, {})
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_settings_that_make_no_run_are_refused() -> None:
    with pytest.raises(ConfigError, match="1 optimiser steps"):
        Recipe(steps=1)
    with pytest.raises(ConfigError, match="a share of 0 to 1"):
        Recipe(alone=1.5)
    with pytest.raises(ConfigError, match="clips with labels"):
        train(LIVE, dataclasses.replace(RECIPE, action_units=0.02), video(), Path("nowhere"), {})
    with pytest.raises(ConfigError, match="no preset 'lite' of system 2"):
        preset("lite")
    with pytest.raises(ConfigError, match="colour"):
        from_dict({**preset("live").to_dict(), "colour": 1})


def test_every_name_is_a_system_s_run() -> None:
    """Table 2's rows each add one thing to the row above; the names of system 1 are still its own."""

    def run(text: str, labelled: bool) -> tuple[str, object]:
        found = chosen(text, "paper", steps=10, seed=1, perceptual=0.07, labelled=labelled)
        return found.system, found.config

    assert run("recurrent_gan", labelled=False) == ("recurrent_gan", preset("paper"))
    assert {run(name, labelled=False)[0] for name in get_args(Fusion)} == {"tcsan"}
    on = {}
    for name in recurrent_gan_rows.NAMES:
        needs = recurrent_gan_rows.ROWS[name.removeprefix("2:")].needs_labels
        config, recipe = recurrent_gan_rows.variant(name, preset("paper"), Recipe(), labelled=needs)
        assert run(name, needs) == ("recurrent_gan", config)
        with pytest.raises(ConfigError, match="expected"):
            run(name, not needs)
        on[name] = (recipe.perceptual, recipe.identity, recipe.adversarial, recipe.action_units, config.audio2au)
    assert on == {
        "2:rec": (0, 0, 0, 0, False),
        "2:rec-per": (0.07, 0, 0, 0, False),
        "2:rec-per-id": (0.07, 1.5, 0, 0, False),
        "2:rec-per-id-adv": (0.07, 1.5, 0.002, 0, False),
        "2:rec-per-id-adv-au": (0.07, 1.5, 0.002, 0.02, False),
        "2:full": (0.07, 1.5, 0.002, 0.02, True),
    }
    assert not {name.partition(":")[0] for name in published.NAMES} & {"2"}
    for unknown in ("2:everything", "transformer"):
        with pytest.raises(ConfigError, match="no variant"):
            run(unknown, labelled=False)
