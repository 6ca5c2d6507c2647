"""Other skins and lipsticks: what lies between the lips keeps its colour, and a portrait wears what its target wears."""

import numpy as np
import pytest

from tests.training.noise import SMALL, noise_clip
from training import dataset
from training.augmentation import AugmentationConfig
from training.dataset import BatchConfig, SpeechVideo
from training.make_up import MakeUp, random_make_up
from training.preprocessing import INNER, KEPT_LANDMARKS, OUTER

GREY = np.full((112, 112, 3), 100, np.uint8)
SKIN, LIPS, INSIDE = (20, 20), (70, 56), (76, 56)  # row, column


def rim(width: float, height: float) -> np.ndarray:
    """[20, 2], from one corner once around: an ellipse about INSIDE."""
    turn = 2 * np.pi * np.arange(20) / 20
    return np.stack([INSIDE[1] - width * np.cos(turn), INSIDE[0] + height * np.sin(turn)], 1).astype(np.float32)


def factors(values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


AS_IT_WAS = np.ones(3, np.float32)


def test_skin_and_lips_change_and_teeth_do_not() -> None:
    make_up = MakeUp(skin=factors([0.5, 0.4, 0.3]), lips=factors([1.2, 0.6, 0.8]), inside=AS_IT_WAS, exposure=1.0)
    worn = make_up.on(GREY, rim(20, 10), rim(14, 4))
    assert worn[SKIN].tolist() == [50, 40, 30]
    assert worn[LIPS].tolist() == [120, 60, 80]
    assert worn[INSIDE].tolist() == [100, 100, 100]


def test_teeth_are_seen_in_another_light() -> None:
    """All of them where the mouth is open, and no lip nor skin beside it."""
    make_up = MakeUp(skin=AS_IT_WAS, lips=AS_IT_WAS, inside=factors([1.1, 0.9, 1.5]), exposure=1.0)
    worn = make_up.on(GREY, rim(20, 10), rim(14, 4))
    assert worn[INSIDE].tolist() == [110, 90, 150]
    assert worn[LIPS].tolist() == worn[SKIN].tolist() == [100, 100, 100]


def test_the_camera_brightens_everything_and_nothing_wraps() -> None:
    make_up = MakeUp(skin=np.ones(3, np.float32), lips=factors([1.5, 1, 1]), inside=AS_IT_WAS, exposure=2.0)
    worn = make_up.on(GREY, rim(20, 10), rim(14, 4))
    assert worn[SKIN].tolist() == [200, 200, 200]
    assert worn[LIPS].tolist() == [255, 200, 200]
    assert worn[INSIDE].tolist() == [200, 200, 200]


def test_a_photograph_without_colour_has_none() -> None:
    make_up = MakeUp(skin=factors([0.9, 0.4, 0.3]), lips=factors([1.2, 0.6, 0.8]), inside=AS_IT_WAS, exposure=1.0, grey=True)
    worn = make_up.on(GREY, rim(20, 10), rim(14, 4))
    assert np.ptp(worn, axis=2).max() == 0
    assert worn[SKIN][0] < worn[LIPS][0] < worn[INSIDE][0]


def test_faces_are_light_and_dark_and_lips_of_many_colours() -> None:
    rng = np.random.default_rng(1)
    drawn = [random_make_up(rng) for _ in range(300)]
    skin = np.array([make_up.skin for make_up in drawn])
    hue = np.array([make_up.lips[1] / make_up.lips[0] for make_up in drawn]) / (skin[:, 1] / skin[:, 0])
    assert skin[:, 1].min() < 0.5
    assert skin[:, 1].max() > 1.1
    assert hue.min() < 0.6
    assert hue.max() > 1.2
    assert all(make_up.exposure > 1 for make_up, factor in zip(drawn, skin, strict=True) if factor.max() < 0.9)
    assert 0.05 < np.mean([make_up.grey for make_up in drawn]) < 0.2
    bluer = np.array([make_up.inside[2] / make_up.inside[1] for make_up in drawn])
    assert 1 <= bluer.min() < 1.05, "as yellow as they were filmed"
    assert 1.25 < bluer.max() <= 1.3


@pytest.mark.parametrize("made_up", [0.0, 1.0])
def test_portrait_and_target_wear_the_same(monkeypatch: pytest.MonkeyPatch, made_up: float) -> None:
    """All frames of an example are one face's, and without the option nothing is worn."""
    clip = noise_clip("a")
    clip.crops[:] = 100
    clip.landmarks[:, OUTER], clip.landmarks[:, INNER] = rim(20, 10), rim(14, 4)
    assert clip.landmarks.shape[1] == len(KEPT_LANDMARKS)
    worn = MakeUp(skin=factors([0.5, 0.5, 0.5]), lips=factors([1.2, 0.6, 0.8]), inside=AS_IT_WAS, exposure=1.0)
    monkeypatch.setattr(dataset, "random_make_up", lambda _: worn)
    batch = BatchConfig(clips=SMALL.clips, heard=SMALL.heard, drawn=SMALL.drawn, made_up=made_up, silent=0)
    drawn = SpeechVideo(
        [clip], window_offset_hops=-22, lookahead=1, batch=batch, augmentation=AugmentationConfig(variants=0), seed=2
    ).draw()
    for shown in (drawn.portrait[:, :3], drawn.target[:, 0], drawn.target[:, -1]):
        inside, skin = shown[..., 76, 56], shown[..., 20, 20]
        darker = (skin / inside).mean(1)
        assert bool((darker < 0.8).all()) == bool(made_up)
        assert bool((darker > 0.99).all()) != bool(made_up)
