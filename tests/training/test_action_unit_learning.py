"""Audio2AU and the classifier learn from labels before the generator does, and with it after."""

import json
import logging
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.errors import ConfigError, ModelError
from realtime.generators.tcsan.config import preset
from realtime.generators.tcsan.generator import TcsanGenerator
from tests.streaming.narrow import FUSIONS, narrow_config
from training import checkpoint as checkpoints
from training.action_units.classifier import ActionUnitClassifier
from training.action_units.geometric import GeometricPseudoLabels
from training.action_units.judge import ActionUnitJudge
from training.action_units.labels import label_clips
from training.action_units.pretraining import HeardUnits, PretrainingRecipe, drawn_windows, pretrain
from training.augmentation import AugmentationConfig
from training.dataset import BatchConfig, SpeechVideo
from training.losses.action_units import action_units, occurrence_weights, weighted_cross_entropy, weighted_dice
from training.preprocessing import PreparedClip
from training.recipes import published, tcsan
from training.recipes.tcsan import Recipe, losses, train
from training.recipes.tcsan_variants import variant

SMALL = BatchConfig(clips=4, heard=12, drawn=6)


@pytest.fixture(scope="module")
def labels(prepared: list[PreparedClip]) -> dict[str, np.ndarray]:
    return label_clips(GeometricPseudoLabels(), prepared).clips


def video(clips: list[PreparedClip], labels: dict[str, np.ndarray] | None, seed: int = 1) -> SpeechVideo:
    return SpeechVideo(
        clips,
        window_offset_hops=-22,
        lookahead=2,
        batch=SMALL,
        augmentation=AugmentationConfig(variants=1),
        seed=seed,
        labels=labels,
    )


def test_rare_units_count_more_and_the_mean_weight_is_one() -> None:
    weights = occurrence_weights((0.5, 0.25, 0.25, 0.5, 0.1))
    assert weights.mean().item() == pytest.approx(1)
    assert weights[4].item() == pytest.approx(5 * weights[0].item())
    assert torch.isfinite(occurrence_weights((0.0, 0.5))).all()


def test_the_loss_is_equations_5_to_7() -> None:
    labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    found = torch.tensor([[0.8, 0.3], [0.1, 0.6]])
    weights = torch.tensor([0.5, 1.5])
    by_hand = -(weights * (labels * found.log() + (1 - labels) * (1 - found).log())).mean()
    dice = (weights * (1 - (2 * labels * found + 1) / (labels**2 + found**2 + 1))).mean()
    logits = torch.logit(found)
    assert weighted_cross_entropy(logits, labels, weights).item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert weighted_dice(logits, labels, weights).item() == pytest.approx(dice.item(), rel=1e-5)
    assert action_units(logits, labels, weights).item() == pytest.approx((by_hand + dice).item(), rel=1e-5)
    assert action_units(40 * labels - 20, labels, weights) < 1e-6


def test_a_batch_s_labels_are_of_its_targets(prepared: list[PreparedClip], labels: dict[str, np.ndarray]) -> None:
    """Labels that count frames in binary: each target's says which frame of which clip it is."""
    numbered = {
        clip.key: (np.arange(len(clip.crops))[:, None] >> np.arange(5)) & 1 > 0 for clip in prepared
    }  # frames 0 to 29 in five bits
    data = video(prepared[2:3], numbered)
    batch = data.draw(silent=0)
    frames = (batch.action_units.long() << torch.arange(5)).sum(2)
    assert (frames.diff(dim=1) == 1).all()
    still = data.draw(silent=1).action_units
    assert (still == still[:, :1]).all()
    assert video(prepared, None).draw().action_units.shape == (4, 6, 0)
    with pytest.raises(ConfigError, match="labels for every frame"):
        video(prepared, {**labels, prepared[0].key: labels[prepared[0].key][:-1]})


def test_drawn_windows_are_those_of_the_drawn_frames(prepared: list[PreparedClip]) -> None:
    batch = video(prepared, None).draw()
    found = drawn_windows(batch).unflatten(0, (4, 6))
    for b in range(4):
        first = int(batch.first_drawn[b])
        assert torch.equal(found[b], batch.windows[b, first : first + 6])


def test_the_classifier_sees_the_lower_face_alone(corpus_crop: Tensor) -> None:
    torch.manual_seed(0)
    classifier = ActionUnitClassifier()
    masked, chin = corpus_crop.clone(), corpus_crop.clone()
    masked[..., :56, :] = 0
    chin[..., 80:100, 40:70] = 0
    assert torch.equal(classifier(masked), classifier(corpus_crop))
    assert not torch.equal(classifier(chin), classifier(corpus_crop))


@pytest.mark.usefixtures("nobody_smiles")
def test_pretraining_teaches_both(prepared: list[PreparedClip], labels: dict[str, np.ndarray]) -> None:
    """In seconds, eight batches of the miniature corpus again and again: both know its units far better than by saying always
    what is more frequent."""
    torch.manual_seed(0)
    data = video(prepared, labels)
    batches = [data.draw(silent=0) for _ in range(8)]
    again = cycle(batches)
    data.draw = lambda silent=None: next(again)  # type: ignore[method-assign]  # noqa: ARG005
    generator = TcsanGenerator(replace(narrow_config("live"), au_channels=8, au_hidden=16))
    generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
    generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    classifier = ActionUnitClassifier(channels=8, hidden=32)
    scores = pretrain(generator, classifier, data, PretrainingRecipe(steps=80, learning_rate=3e-3))
    occur = torch.cat([batch.action_units.flatten(0, 1) for batch in batches]).mean(0)
    frequent = torch.maximum(occur, 1 - occur).mean().item()
    assert frequent < 0.8
    assert set(scores) == {"AU classifier", "Audio2AU"}
    for name, found in scores.items():
        assert found["average"]["accuracy"] > frequent + 0.08, name
        assert found["AU25"]["f1"] > 0.9, name
    changed = {name.split(".")[0] for name, value in generator.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"action_units"}


def test_without_audio2au_the_classifier_alone_is_taught(prepared: list[PreparedClip], labels: dict[str, np.ndarray]) -> None:
    generator = TcsanGenerator(narrow_config("live gru"))
    with pytest.raises(ConfigError, match="without Audio2AU"):
        HeardUnits(generator)
    recipe = PretrainingRecipe(steps=1)
    assert set(pretrain(generator, ActionUnitClassifier(2, 4), video(prepared, labels), recipe)) == {"AU classifier"}
    with pytest.raises(ConfigError, match="clips with labels"):
        pretrain(generator, ActionUnitClassifier(2, 4), video(prepared, None), recipe)


RECIPE = Recipe(steps=6, perceptual=0, bf16=False, save_minutes=0, action_units=0.02, pretraining_steps=3)
ORIGIN = {"action_units": "geometric pseudo-labels"}


def test_the_joint_stage_has_the_published_rates_and_resumes_exactly(
    prepared: list[PreparedClip], labels: dict[str, np.ndarray], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config, recipe = narrow_config("live"), replace(RECIPE, constant_rate=True, learning_rate=2e-4, weight_decay=0.0)
    unbroken = checkpoints.load(train(config, recipe, video(prepared, labels), tmp_path / "one", ORIGIN))
    groups = unbroken.training["optimiser"]["param_groups"]
    assert [group["lr"] for group in groups] == [2e-4, 1e-6, 1e-7]
    assert {group["betas"][0] for group in groups} == {0.5}
    assert sum(len(group["params"]) for group in groups[:2]) == len(list(TcsanGenerator(config).parameters()))
    assert unbroken.data == ORIGIN
    written = json.loads((tmp_path / "one" / "action_units.json").read_text())
    assert written["labels"] == "geometric pseudo-labels"
    assert written["scores"]["Audio2AU"]["AU14"]["f1"] is None  # no dimples in the miniature corpus
    assert "labels of geometric pseudo-labels" in caplog.text
    stopping = video(prepared, labels)
    draw, count = stopping.draw, iter(range(3 + 20 + 3))  # pre-training, its scores, and three steps

    def draw_some(silent: float | None = None) -> object:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return draw(silent)

    stopping.draw = draw_some  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyboardInterrupt):
        train(config, recipe, stopping, tmp_path / "two", ORIGIN)
    assert checkpoints.load(tmp_path / "two" / "checkpoint.pt").step == 3
    resumed = checkpoints.load(train(config, recipe, video(prepared, labels), tmp_path / "two", ORIGIN))
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    for name, value in unbroken.training["classifier"].items():
        assert torch.equal(value, resumed.training["classifier"][name]), name
    with pytest.raises(ModelError, match="another data"):
        train(config, recipe, video(prepared, labels), tmp_path / "two", {"action_units": "OpenFace 2.x"})


def test_a_run_from_before_the_action_units_goes_on(prepared: list[PreparedClip], tmp_path: Path) -> None:
    """Its checkpoint has none of the newer settings."""
    config, recipe = narrow_config("live"), replace(RECIPE, action_units=0.0, pretraining_steps=1500)
    path = train(config, recipe, video(prepared, None), tmp_path, {})
    old = checkpoints.load(path)
    old.config = {name: value for name, value in old.config.items() if name not in ("fusion", "audio2au")}
    old.recipe = {name: value for name, value in old.recipe.items() if name not in tcsan.ADDED}
    checkpoints.save(old, path)
    assert checkpoints.load(train(config, recipe, video(prepared, None), tmp_path, {})).step == 6
    with pytest.raises(ModelError, match="constant_rate"):
        train(config, replace(recipe, constant_rate=True), video(prepared, None), tmp_path, {})
    defaults = {name: getattr(Recipe(), name) for name in tcsan.ADDED}
    assert defaults == tcsan.ADDED


def test_a_loss_without_labels_is_refused(prepared: list[PreparedClip], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="clips with labels"):
        train(narrow_config("live"), RECIPE, video(prepared, None), tmp_path, {})


def test_the_action_unit_loss_reaches_the_generator(prepared: list[PreparedClip], labels: dict[str, np.ndarray]) -> None:
    """Alone, it moves Audio2AU and the head: a picture with the wrong units is drawn otherwise."""
    torch.manual_seed(0)
    data = video(prepared, labels)
    generator = TcsanGenerator(narrow_config("paper"))
    recipe = replace(RECIPE, reconstruction=0, identity=0)
    judge = ActionUnitJudge(data.action_unit_rates or ())
    parts = losses(generator, data.draw(), recipe, None, judge)
    assert {name for name, value in parts.items() if value != 0} == {"action_units"}
    parts["action_units"].backward()
    for part in (generator.head, generator.action_units, judge.classifier):
        assert part is not None
        assert max(value.grad.abs().max().item() for value in part.parameters() if value.grad is not None) > 0


@pytest.mark.parametrize("name", published.NAMES)
def test_every_row_of_tables_3_and_6_is_a_configuration(name: str) -> None:
    row = published.row(name)
    config, recipe = variant(name, preset("paper"), Recipe(), labelled=row.needs_labels)
    assert (config.fusion, config.audio2au) == (row.fusion, row.audio2au)
    assert (recipe.learning_rate, recipe.constant_rate, recipe.weight_decay) == (2e-4, True, 0)
    assert recipe.reconstruction == 1.5
    weights = (recipe.perceptual, recipe.identity, recipe.action_units)
    on = ("per" in name or "rec" not in name, "id" in name or "rec" not in name, name in ("6:tcsan-au", "6:full"))
    assert weights == tuple(w * o for w, o in zip((0.07, 1.5, 0.02), on, strict=True))
    with pytest.raises(ConfigError, match="expected"):
        variant(name, preset("paper"), Recipe(), labelled=not row.needs_labels)


def test_a_fusion_is_a_variant_too() -> None:
    for fusion in FUSIONS:
        config, recipe = variant(fusion, preset("live"), Recipe(), labelled=False)
        assert config == replace(preset("live"), fusion=fusion)
        assert recipe == Recipe()
    assert variant("gru", preset("live"), Recipe(), labelled=True)[1].action_units == 0.02
    with pytest.raises(ConfigError, match="no variant '6:gru'"):
        variant("6:gru", preset("live"), Recipe(), labelled=False)


def test_a_loss_of_weight_zero_is_off(prepared: list[PreparedClip]) -> None:
    """Table 6's first row learns from the reconstruction alone."""
    _, recipe = variant("6:rec", preset("paper"), Recipe(), labelled=False)
    generator = TcsanGenerator(narrow_config("paper gru"))
    parts = losses(generator, video(prepared, None).draw(), recipe, None)
    assert {name for name, value in parts.items() if value != 0} == {"reconstruction"}
