"""What training feeds, judges and keeps: windows as a call hears them, losses that point right, runs that resume exactly."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from python_speech_features import mfcc

from realtime.errors import ConfigError, ModelError
from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import WindowSlicer
from realtime.generators.tcsan.config import from_dict, preset
from realtime.generators.tcsan.flow_head import warp
from tests.streaming.narrow import narrow_config
from training import checkpoint as checkpoints
from training.augmentation import AugmentationConfig, voices, warped_mfcc
from training.dataset import BatchConfig, SpeechVideo, slice_windows
from training.losses import motion, picture
from training.losses.perceptual import _ArraysOnly
from training.preprocessing import KEPT_LANDMARKS, PreparedClip
from training.recipes.tcsan import Recipe, train
from training.split import by_speaker


@pytest.mark.parametrize("offset", [-22, -13])
def test_training_and_a_call_hear_the_same(speech_pcm16k: np.ndarray, offset: int) -> None:
    pcm = speech_pcm16k[16_000 : 16_000 + 640 * 75]
    live, slicer, heard = StreamingMfcc(), WindowSlicer(offset), []
    for start in range(0, len(pcm), 320):
        hops = live.push(pcm[start : start + 320])
        heard += slicer.push(hops, [True] * len(hops))
    hops = live.flush()
    heard += slicer.push(hops, [True] * len(hops)) + slicer.flush(75)
    taught = slice_windows(warped_mfcc(pcm.astype(float), 1.0), 0, 75, offset)
    assert np.abs(np.stack([window.mfcc for window in heard[:75]]) - taught).max() < 1e-4


def test_an_unwarped_voice_is_the_reference_and_a_warped_one_is_not(speech_pcm16k: np.ndarray) -> None:
    sound = speech_pcm16k[16_000:48_000].astype(float)
    reference = mfcc(sound, 16_000)[:, 1:]
    assert np.abs(warped_mfcc(sound, 1.0) - reference).max() < 1e-4
    assert np.abs(warped_mfcc(sound, 1.15) - reference).mean() > 0.5
    copies = voices(speech_pcm16k[16_000:48_000], AugmentationConfig(variants=3), np.random.default_rng(0))
    assert len(copies) == 4
    assert {len(copy) for copy in copies} == {len(reference)}


def test_the_flow_that_moves_a_dot_is_the_one_the_loss_wants() -> None:
    """The portrait's dot is at x = 40, the target's at x = 46: a flow of -6 pixels shows it there, and costs nothing."""
    portrait = torch.zeros(1, 3, 112, 112)
    portrait[:, :, 60, 40] = 1
    flow = torch.zeros(1, 2, 28, 28)
    flow[:, 0] = -6
    assert torch.argmax(warp(portrait, flow)[0, 0]).item() == 60 * 112 + 46
    points = torch.full((1, 2, len(KEPT_LANDMARKS), 2), 60.0)
    points[..., 0] = 46
    there = torch.full((1, len(KEPT_LANDMARKS), 2), 60.0)
    there[..., 0] = 40
    position, movement = motion.landmark_flow(flow[:, None].expand(-1, 2, -1, -1, -1), points, there)
    assert position < 1e-6
    assert movement < 1e-6
    wrong, _ = motion.landmark_flow(-flow[:, None].expand(-1, 2, -1, -1, -1), points, there)
    assert wrong > 1


def test_losses_are_zero_on_what_is_wanted() -> None:
    crop = torch.rand(2, 3, 112, 112)
    assert picture.reconstruction(crop, crop) == 0
    assert picture.identity(crop, crop) == 0
    assert picture.reconstruction(crop, 1 - crop) > picture.identity(crop, 1 - crop) > 0
    straight = torch.arange(28.0).expand(1, 2, 28, 28)
    assert motion.roughness(straight) == 0
    assert motion.roughness(torch.rand(1, 2, 28, 28)) > 0


def test_weights_are_read_by_a_reader_of_arrays_only(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("true",)

    path = tmp_path / "weights"
    path.write_bytes(pickle.dumps(Malicious()))
    with path.open("rb") as file, pytest.raises(pickle.UnpicklingError, match="no place"):
        _ArraysOnly(file).load()


def test_a_split_is_by_speaker() -> None:
    clips = [made_clip(speaker) for speaker in ("a", "a", "b")]
    learn, test = by_speaker(clips, ("b",))
    assert [clip.speaker for clip in learn] == ["a", "a"]
    assert [clip.speaker for clip in test] == ["b"]
    for held_out in (("c",), ("a", "b")):
        with pytest.raises(ConfigError, match="holding out"):
            by_speaker(clips, held_out)


def test_a_silent_example_asks_for_the_portrait() -> None:
    data = made_data(BatchConfig(clips=2, heard=10, drawn=3, silent=1.0))
    batch = data.draw()
    assert torch.equal(batch.target, batch.portrait[:, None, :3].expand_as(batch.target))
    assert batch.opening.max() == 0


def test_a_run_learns_and_resumes_exactly(tmp_path: Path) -> None:
    """Six steps at once, or three, a stop, and three more: the same weights."""
    torch.set_num_threads(1)
    recipe = Recipe(steps=6, perceptual=0, bf16=False, save_minutes=0)
    config = narrow_config("live")
    unbroken = checkpoints.load(train(config, recipe, made_data(), tmp_path / "one", {}))

    class StopError(Exception):
        pass

    stopping = made_data()
    draw, count = stopping.draw, iter(range(3))

    def draw_three() -> object:
        if next(count, None) is None:
            raise StopError
        return draw()

    stopping.draw = draw_three  # type: ignore[assignment,method-assign]
    with pytest.raises(StopError):
        train(config, recipe, stopping, tmp_path / "two", {})
    resumed = checkpoints.load(train(config, recipe, made_data(), tmp_path / "two", {}))
    assert resumed.step == unbroken.step == 6
    for name, value in unbroken.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    with pytest.raises(ModelError, match="another configuration"):
        train(narrow_config("lite"), recipe, made_data(), tmp_path / "two", {})


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.load(tmp_path / "bad.pt")
    with pytest.raises(ModelError, match="does not exist"):
        checkpoints.load(tmp_path / "none.pt")


def test_a_configuration_with_an_unknown_key_is_refused() -> None:
    values = preset("live").to_dict()
    assert from_dict(values) == preset("live")
    with pytest.raises(ConfigError, match="colour"):
        from_dict({**values, "colour": 1})
    with pytest.raises(ConfigError, match="no preset"):
        preset("huge")


def made_clip(speaker: str, frames: int = 30) -> PreparedClip:
    """Noise with landmarks that move: enough to learn something from."""
    rng = np.random.default_rng(sum(map(ord, speaker)))
    landmarks = rng.uniform(30, 90, (1, len(KEPT_LANDMARKS), 2)) + rng.normal(0, 0.5, (frames, len(KEPT_LANDMARKS), 2))
    return PreparedClip(
        key=f"{speaker}/x",
        speaker=speaker,
        crops=rng.integers(0, 256, (frames, 112, 112, 3), dtype=np.uint8),
        landmarks=landmarks.astype(np.float32),
        pcm=rng.integers(-3000, 3000, 640 * frames).astype(np.int16),
    )


def made_data(batch: BatchConfig | None = None) -> SpeechVideo:
    return SpeechVideo(
        [made_clip("a"), made_clip("b")],
        window_offset_hops=-22,
        lookahead=2,
        batch=replace(batch or BatchConfig(clips=2, heard=10, drawn=3)),
        augmentation=AugmentationConfig(variants=1),
        seed=5,
    )
