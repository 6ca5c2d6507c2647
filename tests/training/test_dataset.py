"""Batches: what is heard and what is shown belong to one moment, as in a call."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from realtime.errors import ConfigError
from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import WindowSlicer
from realtime.generators.tcsan.config import PRESETS, preset
from realtime.generators.tcsan.generator import TcsanGenerator
from tests.training.noise import SMALL, noise_clip, noise_video
from training import dataset
from training.augmentation import AugmentationConfig
from training.dataset import BatchConfig, SpeechVideo, inner_mouth
from training.picture_augmentation import Look, Smile
from training.preprocessing import INNER, KEPT_LANDMARKS, PreparedClip

PLAIN = Look(colour=np.eye(3, dtype=np.float32), curve=np.arange(256, dtype=np.uint8)[:, None], shape=np.eye(2, 3))
UNCHANGED = AugmentationConfig(variants=0, colour=0.0)
N_FRAMES = 60


@pytest.fixture(scope="module")
def numbered(speech_pcm16k: np.ndarray) -> PreparedClip:
    """Real speech whose frame k is a picture of the grey value 4 k."""
    grey = np.arange(N_FRAMES, dtype=np.uint8)[:, None, None, None] * 4
    return replace(
        noise_clip("a", N_FRAMES),
        crops=np.broadcast_to(grey, (N_FRAMES, 112, 112, 3)).copy(),
        pcm=speech_pcm16k[24_000 : 24_000 + 640 * N_FRAMES],
    )


def heard_in_a_call(pcm: np.ndarray, offset: int) -> np.ndarray:
    """Windows [T, 12, 28] of the streaming front end, fed with packets of 20 ms."""
    live, slicer, windows = StreamingMfcc(), WindowSlicer(offset), []
    for start in range(0, len(pcm), 320):
        hops = live.push(pcm[start : start + 320])
        windows += slicer.push(hops, [True] * len(hops))
    hops = live.flush()
    windows += slicer.push(hops, [True] * len(hops)) + slicer.flush(len(pcm) // 640)
    return np.stack([window.mfcc for window in windows])


@pytest.mark.parametrize("name", PRESETS)
def test_training_hears_what_a_call_hears_and_shows_that_frame(
    numbered: PreparedClip, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The frame that is shown tells its own number: the window drawn with it must be the call's window of that number, and so
    must all that surround it. A stream's starts, its ends and its middle all occur."""
    monkeypatch.setattr(dataset, "random_look", lambda *_: PLAIN)
    config = preset(name)
    lookahead = TcsanGenerator(config).lookahead
    batch = BatchConfig(clips=40, heard=12, drawn=5, silent=0.0)
    offset = config.window_offset_hops
    data = SpeechVideo([numbered], window_offset_hops=offset, lookahead=lookahead, batch=batch, augmentation=UNCHANGED, seed=3)
    live = np.pad(heard_in_a_call(numbered.pcm, offset)[:N_FRAMES], ((0, 30), (0, 0), (0, 0)))
    drawn, starts = data.draw(), set()
    assert drawn.windows.shape == (40, 12 + lookahead, 12, 28)
    for windows, target, first_drawn in zip(drawn.windows, drawn.target, drawn.first_drawn.tolist(), strict=True):
        shown = (target[:, 0, 50, 50] * 255 / 4).round().int().tolist()
        assert shown == list(range(shown[0], shown[0] + 5))
        start = shown[0] - first_drawn
        starts.add(start)
        inside = min(len(windows), N_FRAMES - start)
        assert np.abs(windows[:inside].numpy() - live[start : start + inside]).max() < 1e-3
    assert 0 in starts
    assert len(starts) > 10


def test_a_silent_example_asks_for_the_portrait() -> None:
    batch = noise_video(replace(SMALL, silent=1.0)).draw()
    assert torch.equal(batch.target, batch.portrait[:, None, :3].expand_as(batch.target))
    assert torch.equal(batch.landmarks, batch.portrait_landmarks[:, None].expand_as(batch.landmarks))
    assert batch.opening.max() == 0


def test_a_speaking_example_does_not() -> None:
    batch = noise_video(replace(SMALL, silent=0.0)).draw()
    assert not torch.equal(batch.target, batch.portrait[:, None, :3].expand_as(batch.target))


def test_draws_follow_the_seed_and_a_kept_state() -> None:
    data, same, other = noise_video(), noise_video(), noise_video(seed=6)
    first = data.draw()
    assert torch.equal(first.target, same.draw().target)
    assert not torch.equal(first.target, other.draw().target)
    state, wanted = data.rng_state, data.draw()
    later = noise_video()
    later.rng_state = state
    for name, value in vars(later.draw()).items():
        assert torch.equal(value, getattr(wanted, name)), name


def test_speakers_with_many_clips_are_held_back() -> None:
    """Nine clips against one: drawn at 9 ** 0.4 to 1, not at nine to one."""
    clips = [noise_clip("a", 30)] * 9 + [noise_clip("b", 30)]
    config = {"window_offset_hops": -22, "lookahead": 2, "batch": SMALL, "augmentation": UNCHANGED, "seed": 0}
    data = SpeechVideo(clips, **config)  # type: ignore[arg-type]
    assert abs(data._chance[:9].sum() / data._chance[9] - 9**0.4) < 1e-9


def test_the_inner_mouth_is_the_area_between_the_lips() -> None:
    landmarks = np.zeros((len(KEPT_LANDMARKS), 2), np.float32)
    angle = np.linspace(0, 2 * np.pi, len(INNER), endpoint=False)
    landmarks[INNER] = np.stack([56 + 10 * np.cos(angle), 72 + 6 * np.sin(angle)], 1)
    mask = inner_mouth(landmarks)
    assert abs(mask.sum() - np.pi * 60) < 8
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    assert abs((mask * x).sum() / mask.sum() - (56 - 28)) < 0.6
    assert abs((mask * y).sum() / mask.sum() - (72 - 52)) < 0.6
    assert mask[20, 28] > 0.99


def lips(opening: float) -> np.ndarray:
    """Landmarks of a mouth 20 crop pixels wide and so much open."""
    landmarks = np.zeros((len(KEPT_LANDMARKS), 2), np.float32)
    angle = np.linspace(0, 2 * np.pi, len(INNER), endpoint=False)
    landmarks[INNER] = np.stack([56 + 10 * np.cos(angle), 72 + opening / 2 * np.sin(angle)], 1)
    return landmarks


def test_what_an_open_portrait_leaves_between_closed_lips_is_to_be_covered() -> None:
    """All along the lips, three pixels to each side; nothing for a portrait that is as closed, or lips that are as open."""
    cover = dataset.to_cover(lips(0), lips(8))
    assert cover[20, 20:36].min() > 0.9
    assert cover[18:23, 28].min() > 0.8
    assert cover[14, 28] < 0.1
    assert cover[20, 10] == 0
    assert dataset.to_cover(lips(0), lips(0)).max() == 0
    assert dataset.to_cover(lips(8), lips(8)).max() == 0
    assert 0.2 < dataset.to_cover(lips(0), lips(2)).max() < 0.8


@pytest.mark.parametrize(("opening", "portrait"), [(8, 0), (0, 8)])
def test_lips_that_part_or_close_are_smeared_all_around(opening: float, portrait: float) -> None:
    """Four pixels around the mouth that is drawn, its corners too."""
    smeared = dataset.smeared_lips(lips(opening), lips(portrait))
    assert smeared[20, 16:41].min() > 0.9, "from corner to corner and beyond"
    assert smeared[20, 10] == 0
    edge = round(opening / 2)
    assert smeared[20 - edge - 3, 28] > 0.9
    assert smeared[20 - edge - 6, 28] < 0.1


def test_lips_that_move_as_one_are_not_smeared() -> None:
    assert dataset.smeared_lips(lips(8), lips(8)).max() == 0
    assert dataset.smeared_lips(lips(8) + np.array([2, 3], np.float32), lips(8)).max() < 1e-3
    assert 0.2 < dataset.smeared_lips(lips(2), lips(0)).max() < 0.8


@pytest.mark.parametrize("smeared", [False, True])
def test_where_a_batch_may_be_painted_is_asked_for(smeared: bool) -> None:
    clip = noise_clip("a")
    for frame in range(len(clip.crops)):
        clip.landmarks[frame] = lips(8.0 * (frame % 2))
    batch = BatchConfig(clips=8, heard=SMALL.heard, drawn=SMALL.drawn, silent=0, smeared=smeared)
    drawn = SpeechVideo(
        [clip], window_offset_hops=-22, lookahead=1, batch=batch, augmentation=AugmentationConfig(variants=0), seed=2
    ).draw()
    area = drawn.opening.sum((2, 3)) > 20
    parted = drawn.cover.sum((2, 3))[area]
    assert area.any()
    assert bool((parted > 0).any()) == smeared


@pytest.mark.parametrize("clips", [[], [noise_clip("a", 2)]])
def test_nothing_to_draw_from_is_refused(clips: list[PreparedClip]) -> None:
    with pytest.raises(ConfigError, match="one or more, none under 3 frames"):
        SpeechVideo(clips, window_offset_hops=-22, lookahead=2, batch=SMALL, augmentation=UNCHANGED, seed=0)


def test_clips_of_an_added_corpus_are_drawn_with_their_share_however_many_they_are() -> None:
    first = [replace(noise_clip(name, 30), key=f"{name}/{i}") for name, n in (("a", 16), ("b", 1)) for i in range(n)]
    added = [replace(noise_clip("made-up", 30), key=f"made-up/{i}") for i in range(40)]
    found = dataset.chances([*first, *added], BatchConfig(added=0.2), {clip.key for clip in added})
    assert found.sum() == pytest.approx(1)
    assert found[17:].sum() == pytest.approx(0.2)
    assert found[:16].sum() / found[16] == pytest.approx(16**0.4)
    alone = dataset.chances(first, BatchConfig(added=0.2), set())
    assert alone == pytest.approx(found[:17] / 0.8)


def test_an_added_corpus_reaches_the_batches() -> None:
    """White pictures of the added clip, black ones of the first corpus's."""
    clips = [
        replace(noise_clip(name, 30), key=f"{name}/0", crops=np.full((30, 112, 112, 3), value, np.uint8))
        for name, value in (("a", 0), ("made-up", 255))
    ]
    batch = replace(SMALL, clips=400, added=0.1, drawn=1)
    data = SpeechVideo(
        clips, window_offset_hops=-22, lookahead=1, batch=batch, augmentation=UNCHANGED, seed=0, added={"made-up/0"}
    )
    white = (data.draw().target.flatten(1).mean(1) > 0.2).float().mean()
    assert 0.05 < white < 0.16


def test_a_share_of_the_portraits_have_their_mouth_wide_open() -> None:
    """One frame in ten of the clip has open lips. As many portraits do as are asked for, where the others are its first frame."""
    clip = noise_clip("a", 40)
    clip.landmarks[:, INNER] = (56, 70)
    angle = np.linspace(0, 2 * np.pi, len(INNER), endpoint=False)
    clip.landmarks[7:11, INNER] += np.stack([10 * np.cos(angle), 6 * np.sin(angle)], 1)
    assert set(dataset.widest_open(clip.landmarks).tolist()) >= {7, 8, 9, 10}
    batch = replace(SMALL, clips=400, first=0.7, wide_open=0.3)
    data = SpeechVideo([clip], window_offset_hops=-22, lookahead=2, batch=batch, augmentation=UNCHANGED, seed=0)
    drawn = np.array([data._reference(0) for _ in range(400)])
    assert 0.2 < (drawn > 0).mean() < 0.4
    assert set(drawn.tolist()) <= {0, *dataset.widest_open(clip.landmarks).tolist()}


def test_a_smile_moves_the_picture_as_it_moves_the_landmarks() -> None:
    """A white dot anywhere around the mouth is where the look says that it is; the corners go where they were drawn."""
    corners = np.array([[44.0, 68.0], [68.0, 68.0]])
    smile = Smile(corners=corners, drawn=np.array([[-6.0, -4.0], [6.0, -4.0]]))
    shape = np.array([[1.05, 0.02, -2.0], [0.0, 0.97, 3.0]])
    look = replace(PLAIN, shape=shape, smile=smile)
    y, x = np.mgrid[:112, :112]
    for dot in (*corners, (56, 62), (56, 80), (35, 60), (75, 75)):
        picture = np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / 3)
        seen = look.picture((255 * picture).astype(np.uint8)[..., None].repeat(3, -1))[..., 0].astype(float)
        centre = np.array([(seen * x).sum(), (seen * y).sum()]) / seen.sum()
        assert np.abs(centre - look.points(np.array(dot, np.float32))).max() < 0.6
    moved = look.points(corners.astype(np.float32)) - replace(look, smile=None).points(corners.astype(np.float32))
    assert np.abs(moved - np.array([[-6.0, -4.0], [6.0, -4.0]]) @ shape[:, :2].T).max() < 0.5
