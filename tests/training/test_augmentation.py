"""Other voices and other looks, whose timing and geometry stay those of the clip."""

import cv2
import numpy as np
import pytest
from python_speech_features import mfcc

from training.augmentation import AugmentationConfig, add_noise, silences, voices, warped_mfcc
from training.picture_augmentation import random_look

SAMPLE_RATE_HZ = 16_000


def tone(hz: float) -> np.ndarray:
    return np.asarray(3000 * np.sin(2 * np.pi * hz * np.arange(4000) / SAMPLE_RATE_HZ))


def test_an_unwarped_voice_is_the_reference(speech_pcm16k: np.ndarray) -> None:
    sound = speech_pcm16k[16_000:48_000].astype(float)
    assert np.abs(warped_mfcc(sound, 1.0) - mfcc(sound, SAMPLE_RATE_HZ)[:, 1:]).max() < 1e-4


@pytest.mark.parametrize(("warp", "hz"), [(1.0, 2000), (1.15, 2300), (0.85, 1700)])
def test_a_warp_moves_a_tone_by_its_factor(warp: float, hz: float) -> None:
    """A tone of 2 kHz, warped, is most like the unwarped tone of 2 kHz times the factor."""
    moved = warped_mfcc(tone(2000), warp).mean(0)
    candidates = np.arange(1400, 2700, 50)
    distances = [np.linalg.norm(warped_mfcc(tone(float(candidate)), 1.0).mean(0) - moved) for candidate in candidates]
    assert abs(candidates[int(np.argmin(distances))] - hz) <= 50


def test_voices_say_the_same_at_the_same_time(speech_pcm16k: np.ndarray) -> None:
    """Each copy differs, and is nearer to the original in step than one frame later."""
    pcm = speech_pcm16k[16_000:64_000]
    first, *others = voices(pcm, AugmentationConfig(variants=6), np.random.default_rng(0))
    assert len(others) == 6
    for other in others:
        assert other.shape == first.shape
        assert np.abs(other - first).mean() > 0.1
        in_step, late = np.abs(other - first).mean(), np.abs(other[4:] - first[:-4]).mean()
        assert in_step < late


@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_noise_has_the_level_that_is_asked_for(snr_db: float) -> None:
    clean = tone(500)
    noise = add_noise(clean, snr_db, np.random.default_rng(0)) - clean
    assert abs(10 * np.log10(np.mean(clean**2) / np.mean(noise**2)) - snr_db) < 0.1


def test_noise_on_nothing_is_nothing() -> None:
    assert not add_noise(np.zeros(1000), 10.0, np.random.default_rng(0)).any()


def test_silences_are_many_and_finite() -> None:
    rooms = silences(50, np.random.default_rng(0), count=6)
    assert {len(room) for room in rooms} == {len(rooms[0])}
    assert abs(len(rooms[0]) - 50) <= 1
    assert np.isfinite(rooms).all()
    assert np.abs(rooms[0]).max() < 1e-4  # digital silence, as the windows before a stream's start


def test_a_look_moves_picture_and_points_alike() -> None:
    """A white dot on black is, in any look, where the look puts its landmark."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        point = rng.uniform(35, 75, 2).round()
        crop = np.zeros((112, 112, 3), np.uint8)
        cv2.circle(crop, (int(point[0]), int(point[1])), 1, (255, 255, 255), -1)
        proportions = np.array([[1, rng.uniform(-0.1, 0.1), 0], [0, rng.uniform(0.8, 1.2), 0]])
        look = random_look(rng, proportions, np.array([[44, 68], [68, 68]], np.float32))
        moments = cv2.moments(look.picture(crop)[..., 1])
        found = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
        assert np.abs(found - look.points(point[None].astype(np.float32))[0]).max() < 0.3
