"""A training run: it learns, resumes exactly, goes on only as the run it was, and stops at a loss that is no number."""

import dataclasses
from pathlib import Path

import pytest
import torch

from realtime.errors import ConfigError, ModelError
from realtime.generators.tcsan.config import from_dict, preset
from tests.streaming.narrow import narrow_config
from tests.training.noise import noise_video
from training import checkpoint as checkpoints
from training.recipes import tcsan
from training.recipes.tcsan import Recipe, train

RECIPE = Recipe(steps=6, perceptual=0, bf16=False, save_minutes=0)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class StopError(Exception):
    """Somebody pulled the plug."""


def run_until(steps: int, folder: Path) -> None:
    data = noise_video()
    draw, count = data.draw, iter(range(steps))

    def draw_some() -> object:
        if next(count, None) is None:
            raise StopError
        return draw()

    data.draw = draw_some  # type: ignore[assignment,method-assign]
    with pytest.raises(StopError):
        train(narrow_config("live"), RECIPE, data, folder, {})


def test_a_run_resumes_exactly(tmp_path: Path) -> None:
    """Six steps at once, or three, a stop, and three more: the same weights."""
    unbroken = checkpoints.load(train(narrow_config("live"), RECIPE, noise_video(), tmp_path / "one", {}))
    run_until(3, tmp_path / "two")
    assert checkpoints.load(tmp_path / "two" / "checkpoint.pt").step == 3
    resumed = checkpoints.load(train(narrow_config("live"), RECIPE, noise_video(), tmp_path / "two", {}))
    assert resumed.step == unbroken.step == 6
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name


def test_a_run_goes_on_only_as_the_run_it_was(tmp_path: Path) -> None:
    run_until(3, tmp_path)
    with pytest.raises(ModelError, match="another configuration"):
        train(narrow_config("lite"), RECIPE, noise_video(), tmp_path, {})
    with pytest.raises(ModelError, match=r"another recipe \(seed: 1, now 2\)"):
        train(narrow_config("live"), dataclasses.replace(RECIPE, seed=2), noise_video(), tmp_path, {})
    with pytest.raises(ModelError, match="another data"):
        train(narrow_config("live"), RECIPE, noise_video(), tmp_path, {"clips": 7})


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until(3, tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(tcsan, "losses", lambda *_: {"reconstruction": torch.tensor(float("nan"))})
    with pytest.raises(ModelError, match="step 4 is no number"):
        train(narrow_config("live"), RECIPE, noise_video(), tmp_path, {})
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 optimiser steps"):
        Recipe(steps=2)


def test_a_configuration_with_an_unknown_key_is_refused() -> None:
    values = preset("live").to_dict()
    assert from_dict(values) == preset("live")
    with pytest.raises(ConfigError, match="colour"):
        from_dict({**values, "colour": 1})
    with pytest.raises(ConfigError, match="no preset"):
        preset("huge")
