"""Teeth that are lent are a speaker's own, from another moment, where that moment shows them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.alignment import LIP_PLACE, MOUTH_BOX
from realtime.errors import ConfigError
from realtime.generators.layers.lent_teeth import between_lips
from realtime.lip_map import INNER_LIP
from tests.training.noise import SMALL, noise_clip
from tests.unit.portraits import portrait
from training.augmentation import AugmentationConfig
from training.dataset import APART, SpeechVideo, inner_area
from training.preprocessing import INNER, OUTER, PreparedClip
from training.teeth import BRIGHTEST, RAISED, around_the_mouth, lenders, of_portrait

X0, Y0, X1, Y1 = MOUTH_BOX
SKIN, LIPS, TEETH, TONGUE = (180, 140, 120), (170, 80, 80), (170, 160, 140), (250, 150, 140)
OPEN = (8, 20)


def rim(across: float, opening: float) -> NDArray[np.float32]:
    angle = np.linspace(0, 2 * np.pi, len(INNER), endpoint=False)
    return (np.array(LIP_PLACE) + np.stack([across * np.cos(angle), 5 + opening / 2 * np.sin(angle)], 1)).astype(np.float32)


def clip(speaker: str, inside: tuple[int, int, int] = TEETH, n_frames: int = 40) -> PreparedClip:
    """Its mouth is open in the frames OPEN, and closed in all others."""
    made = noise_clip(speaker, n_frames)
    made.crops[:] = SKIN
    for frame in range(n_frames):
        made.landmarks[frame] = (56, 30)
        made.landmarks[frame, OUTER] = rim(18, 14)
        made.landmarks[frame, INNER] = rim(14, 10 if frame in OPEN else 0.2)
        made.crops[frame, 60:80, 38:75] = LIPS
        if frame in OPEN:
            made.crops[frame, 64:75, 42:71] = inside
    return made


def video(*clips: PreparedClip, lent: float = 1.0) -> SpeechVideo:
    batch = replace(SMALL, clips=16, silent=0.0, first=1.0, wide_open=0.0, lent=lent)
    return SpeechVideo(
        list(clips), window_offset_hops=-22, lookahead=1, batch=batch, augmentation=AugmentationConfig(variants=0), seed=2
    )


def test_frames_that_show_teeth_are_found() -> None:
    """Not open mouths without, nor closed ones."""
    clips = [clip("a"), clip("b", TONGUE)]
    found = lenders(clips, [inner_area(c.landmarks) for c in clips])
    assert set(found) == {"a"}
    assert {shown.frame for shown in found["a"]} == set(OPEN)
    assert min(shown.pixels for shown in found["a"]) > 100


def test_a_speaker_is_lent_their_own_and_nobody_elses() -> None:
    batch = video(clip("a"), clip("b", TONGUE)).draw()
    lent = batch.teeth[:, 3].sum((1, 2))
    assert 0 < int((lent > 100).sum()) < len(lent)
    assert set((lent > 0).tolist()) == {True, False}


def test_none_are_lent_where_none_are_asked_for() -> None:
    assert not video(clip("a"), lent=0.0).draw().teeth.any()


def test_they_are_from_another_moment() -> None:
    """No frame that is drawn, nor one near it; any of another clip."""
    data = video(clip("a"))
    for frames in (np.arange(7, 10), np.arange(19, 22), np.arange(OPEN[0] - APART, OPEN[0] - APART + 1)):
        shown = data._lender(0, frames)
        assert shown is not None
        assert np.abs(frames - shown.frame).min() > APART
    assert data._lender(0, np.arange(40)) is None
    assert video(clip("a"), clip("a"))._lender(0, np.arange(40)) is not None


def test_they_come_into_the_light_of_the_face_they_are_lent_to() -> None:
    """A clip in another light lends the very teeth that one in the same light lends, within the rounding of bytes."""
    lent_to = clip("a")
    lent_to.landmarks[list(OPEN)] = lent_to.landmarks[0]  # shows none
    same, other = clip("a"), clip("a")
    other.crops[:] = np.round(other.crops * np.array([0.92, 1.0, 1.1]))
    there, here = video(lent_to, other).draw(), video(lent_to, same).draw()
    of_first = (there.portrait == here.portrait).flatten(1).all(1)
    assert of_first.any()
    assert not of_first.all()
    assert here.teeth[of_first, 3].amax() > 0.99
    assert (there.teeth - here.teeth)[of_first].abs().max() < 0.01
    assert (there.teeth - here.teeth)[~of_first].abs().max() > 0.02


def test_a_smile_is_lent_as_a_speaking_mouth_has_it() -> None:
    """Whitest fifth of what it shows, beside its face; no lips."""
    shown = portrait("eileen-collins")
    pixels, face = of_portrait(shown)
    assert face.tolist() == pytest.approx(around_the_mouth(shown.crop).tolist())
    inside = pixels[:3, pixels[3] > 0.9] / pixels[3, pixels[3] > 0.9]
    column = int(LIP_PLACE[0]) - X0
    opening = between_lips(torch.from_numpy(shown.crop[Y0:Y1, X0 + column, 3] / 255))
    middle, lent = ((share * torch.arange(len(share))).sum() / share.sum() for share in (opening, pixels[3, :, 2 * column]))
    assert (middle - (lent - 0.5) / 2).item() == pytest.approx(RAISED, abs=0.3)
    white = inside[:, inside[1] >= torch.quantile(inside[1], 0.8)].mean(1)
    assert (white / face).tolist() == pytest.approx(BRIGHTEST.tolist(), rel=0.06)
    assert (inside[0] / inside[1]).max() < 2.5


def test_closed_lips_lend_nothing() -> None:
    with pytest.raises(ConfigError, match=r"4\d pixels between the lips, 100 of a mouth well open are needed"):
        of_portrait(portrait("grace-hopper"))


def test_lips_that_hardly_part_lend_nothing() -> None:
    """A wide slit has pixels enough, and in none of them teeth alone."""
    smile = portrait("eileen-collins")
    slit = smile.landmarks.copy()
    inner = list(INNER_LIP)
    slit[inner, 1] = slit[inner, 1].mean() + 0.1 * (slit[inner, 1] - slit[inner, 1].mean())
    with pytest.raises(ConfigError, match="choose a broad smile"):
        of_portrait(replace(smile, landmarks=slit))
