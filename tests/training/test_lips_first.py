"""The speech side hears lips before anything is drawn: from the right frames, resumable, and without a face."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.errors import ConfigError, ModelError
from realtime.generators.tcsan.generator import TcsanGenerator
from tests.streaming.narrow import narrow_config
from tests.training.noise import SMALL, noise_clip, noise_video
from training import checkpoint as checkpoints
from training.augmentation import AugmentationConfig
from training.commands import train as train_command
from training.dataset import LipBatchConfig, SpeechVideo, slice_windows
from training.lip_targets import ACROSS, ALONG, LipBatch, lip_targets
from training.preprocessing import PreparedClip
from training.recipes import lips_first, tcsan
from training.recipes.chosen import LIP_STEPS, chosen
from training.recipes.lips_first import ForetoldLips, LipsRecipe, Run, learn_lips
from training.recipes.tcsan import Recipe, train

BATCH = LipBatchConfig(clips=8, heard=20, warm=6, own=1.0)
LIPS = LipsRecipe(steps=3, batch=replace(BATCH, clips=2), bf16=False, save_minutes=0)
RECIPE = Recipe(steps=4, lip_steps=6, perceptual=0, bf16=False, save_minutes=0)
N_FRAMES = 60


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def run(folder: Path, origin: dict[str, Any] | None = None) -> Run:
    return Run(folder=folder, system="tcsan", config={}, settings={"lips": asdict(LIPS)}, origin=origin or {})


def loud_is_open(seed: int) -> PreparedClip:
    """A tone that comes and goes; the mouth is open while it is there."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.random(N_FRAMES // 4) < 0.5, 4)
    tone = 6000 * np.sin(2 * np.pi * 300 * np.arange(640 * N_FRAMES) / 16_000) * np.repeat(loud, 640)
    clip = noise_clip("a", N_FRAMES)
    landmarks = np.repeat(clip.landmarks[:1], N_FRAMES, 0)
    landmarks[:, ACROSS[1]] = landmarks[:, ACROSS[0]] + np.stack([0 * loud, 4.0 * loud], 1)
    return replace(clip, key=f"a/{seed}", landmarks=landmarks, pcm=(tone + rng.normal(0, 30, len(tone))).astype(np.int16))


def video(clips: list[PreparedClip]) -> SpeechVideo:
    still = AugmentationConfig(variants=0, colour=0.0)
    return SpeechVideo(clips, window_offset_hops=-22, lookahead=1, batch=SMALL, augmentation=still, seed=1)


def test_lips_are_told_without_the_face_that_has_them() -> None:
    clip = loud_is_open(1)
    assert np.allclose(lip_targets(clip.landmarks), lip_targets(clip.landmarks + 5), atol=1e-4)
    opening = lip_targets(clip.landmarks)[:, 0]
    assert abs(opening.mean()) < 1e-5
    assert np.ptp(opening) == pytest.approx(4, abs=1e-4)
    wider = clip.landmarks.copy()
    wider[30:, ALONG[1]] += wider[30:, ALONG[1]] - wider[30:, ALONG[0]]
    assert np.ptp(lip_targets(wider)[:, 1]) > 5


def test_a_window_goes_with_its_own_frames_lips() -> None:
    """Every frame opens the mouth by another amount: from the lips the frame is known, and from it the window."""
    clip = noise_clip("a", N_FRAMES)
    landmarks = np.repeat(clip.landmarks[:1], N_FRAMES, 0)
    landmarks[:, ACROSS[1], 1] = landmarks[:, ACROSS[0], 1] + 10 + np.arange(N_FRAMES)
    landmarks[:, ACROSS[1], 0] = landmarks[:, ACROSS[0], 0]
    data = video([replace(clip, landmarks=landmarks)])
    batch = data.draw_lips(replace(BATCH, clips=40))
    frames = (batch.lips[..., 0] * data._lip_spread[0] + (N_FRAMES - 1) / 2).round().int().numpy()
    starts = set()
    for windows, frame, counted in zip(batch.windows.numpy(), frames, batch.counted.numpy(), strict=True):
        starts.add(int(frame[0]))
        wanted = slice_windows(data._heard[0].own[0], int(frame[0]), len(frame), -22)
        assert np.array_equal(windows, wanted)
        assert frame[counted > 0].tolist() == list(range(frame[0] + 6 * (frame[0] > 0), frame[0] + 20))
    assert 0 in starts
    assert len(starts) > 10


def test_what_is_heard_is_learnt(tmp_path: Path) -> None:
    """Of a clip that was not learnt from, whose beginnings and ends of sound are its own."""
    torch.manual_seed(1)
    generator, data = TcsanGenerator(narrow_config("live")), video([loud_is_open(seed) for seed in range(6)])
    generator.mfcc_mean.copy_(torch.from_numpy(data.mfcc_mean))
    generator.mfcc_std.copy_(torch.from_numpy(data.mfcc_std))
    heard: list[ForetoldLips] = []
    make = ForetoldLips.__init__

    def keep(self: ForetoldLips, *arguments: object) -> None:
        make(self, *arguments)  # type: ignore[arg-type]
        heard.append(self)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ForetoldLips, "__init__", keep)
        learn_lips(generator, data, LipsRecipe(steps=60, batch=BATCH, bf16=False), run(tmp_path))
    unseen = loud_is_open(99)
    windows = slice_windows(video([unseen])._heard[0].own[0], 0, N_FRAMES, -22)
    with torch.no_grad():
        found = heard[0].eval()(torch.from_numpy(windows)[None])[0, :, 0].numpy()
    assert np.corrcoef(found, lip_targets(unseen.landmarks)[:, 0])[0, 1] > 0.9


def test_drawing_begins_without_a_face_and_at_a_tenth_of_the_rate(tmp_path: Path) -> None:
    torch.manual_seed(2)
    generator = TcsanGenerator(narrow_config("live"))
    audio = generator.audio_encoder.fc1.weight.clone()
    learn_lips(generator, noise_video(), LIPS, run(tmp_path))
    assert not torch.equal(generator.audio_encoder.fc1.weight, audio)
    assert generator.prepare(torch.rand(1, 4, 112, 112))["identity_feature"].abs().max() == 0
    kept = checkpoints.load(train(narrow_config("live"), RECIPE, noise_video(), tmp_path / "run", {}))
    rest, speech = kept.training["optimiser"]["param_groups"]
    assert speech["max_lr"] == pytest.approx(rest["max_lr"] / 10)
    assert len(rest["params"]) + len(speech["params"]) == len(list(generator.parameters()))
    assert not (tmp_path / "run" / lips_first.FILE).exists()


@pytest.mark.parametrize("stopped_at", [4, 7])
def test_a_run_that_begins_with_lips_resumes_exactly(tmp_path: Path, stopped_at: int) -> None:
    """Stopped while it hears, and after its first drawn step."""
    unbroken = checkpoints.load(train(narrow_config("live"), RECIPE, noise_video(), tmp_path / "one", {}))
    data, count = noise_video(), iter(range(stopped_at))
    draw, draw_lips = data.draw, data.draw_lips

    def counted(*arguments: object) -> object:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return draw_lips(*arguments) if arguments else draw()  # type: ignore[arg-type]

    data.draw = data.draw_lips = counted  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyboardInterrupt):
        train(narrow_config("live"), RECIPE, data, tmp_path / "two", {})
    assert (tmp_path / "two" / lips_first.FILE).exists() == (stopped_at == 4)
    resumed = checkpoints.load(train(narrow_config("live"), RECIPE, noise_video(), tmp_path / "two", {}))
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name


def test_what_another_run_left_is_refused(tmp_path: Path) -> None:
    """Other data above all: who is held out now may have been learnt from then."""
    learn_lips(TcsanGenerator(narrow_config("live")), noise_video(), LIPS, run(tmp_path, {"held_out": ["s31"]}))
    with pytest.raises(ModelError, match=r"another data \(held_out: \['s31'\], now \['ua'\]\)"):
        learn_lips(TcsanGenerator(narrow_config("live")), noise_video(), LIPS, run(tmp_path, {"held_out": ["ua"]}))
    (tmp_path / lips_first.FILE).write_bytes(b"torn")
    with pytest.raises(ModelError, match="damaged"):
        learn_lips(TcsanGenerator(narrow_config("live")), noise_video(), LIPS, run(tmp_path))


def test_what_labels_taught_stays_and_is_not_taught_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while it hears lips: Audio2AU and the classifier come back as they were."""
    clips = [noise_clip("a"), noise_clip("b")]
    labels = {clip.key: np.random.default_rng(1).random((30, 5)) < 0.5 for clip in clips}
    still = AugmentationConfig(variants=1)

    def labelled() -> SpeechVideo:
        return SpeechVideo(clips, window_offset_hops=-22, lookahead=1, batch=SMALL, augmentation=still, seed=1, labels=labels)

    recipe = replace(RECIPE, action_units=0.02, pretraining_steps=2)
    unbroken = checkpoints.load(train(narrow_config("live"), recipe, labelled(), tmp_path / "one", {}))
    data, count = labelled(), iter(range(3))
    draw_lips = data.draw_lips

    def counted(config: LipBatchConfig) -> LipBatch:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return draw_lips(config)

    monkeypatch.setattr(data, "draw_lips", counted)
    with pytest.raises(KeyboardInterrupt):
        train(narrow_config("live"), recipe, data, tmp_path / "two", {})
    monkeypatch.setattr(tcsan, "pretrain", lambda *_: pytest.fail("taught again"))
    resumed = checkpoints.load(train(narrow_config("live"), recipe, labelled(), tmp_path / "two", {}))
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    for name, value in unbroken.training["classifier"].items():
        assert torch.equal(value, resumed.training["classifier"][name]), name


def test_labels_keep_audio2au_out_of_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    generator = TcsanGenerator(narrow_config("live"))
    assert generator.action_units is not None
    before = [weight.clone() for weight in generator.action_units.parameters()]
    learn_lips(generator, noise_video(), LIPS, run(tmp_path), beside={"classifier": torch.nn.Linear(2, 2)})
    assert all(torch.equal(a, b) for a, b in zip(before, generator.action_units.parameters(), strict=True))


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lips_first, "lip_loss", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(ModelError, match="step 1 of the lips is no number"):
        train(narrow_config("live"), RECIPE, noise_video(), tmp_path, {})


def test_who_begins_with_lips() -> None:
    """The system and its fusions; not the published rows, which say so where somebody asks for it."""

    def steps(text: str, asked: int | None = None, preset: str = "live") -> int:
        found = chosen(text, preset, steps=10, seed=1, perceptual=0, labelled=False, lip_steps=asked)
        recipe = found.train.args[1]  # type: ignore[attr-defined]
        return int(recipe.lip_steps) if isinstance(recipe, tcsan.Recipe) else 0

    assert [steps("tcsan"), steps("gru"), steps("tcsan", 0), steps("tcsan", 7)] == [LIP_STEPS, LIP_STEPS, 0, 7]
    assert [steps("3:tcsan"), steps("future:75"), steps("future:75", 9), steps("2:rec")] == [0, 0, 9, 0]
    assert [steps("tcsan", None, "paper"), steps("tcsan", 8, "paper")] == [0, 8]
    for text in ("3:gru", "recurrent_gan"):
        with pytest.raises(ConfigError, match="has none"):
            steps(text, 5)
    with pytest.raises(ConfigError, match="2 steps on lips alone"):
        steps("tcsan", 2)


def test_the_command_takes_both_numbers() -> None:
    assert train_command._steps("8000") == (None, 8000)
    assert train_command._steps("1500+3000") == (1500, 3000)
    for wrong in ("", "+", "1500+", "lips"):
        with pytest.raises(ValueError, match="invalid literal"):
            train_command._steps(wrong)
