"""Clips → crops, landmarks and sound, kept; what cannot be used is left out and said."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.errors import ConfigError, FacewireError
from realtime.face_landmarks import FaceLandmarker, region_of_landmarks
from tests.training.make_corpus import FRAMES
from training import preprocessing, processes
from training.corpora.grid import find_clips
from training.preprocessing import KEPT_LANDMARKS, PreparedClip, load_prepared, prepare_clip, prepare_corpus

BAD = {
    "swiu9s": "10 frames a second",
    "pbwxzs": "no face in frame 0",
    "sgao4n": "0.6 s of sound, 1.2 s of picture",
    "srbh1a": "9 frames, at least 25",
    "bgim3s": "no sound",
    "bbaf3s": "no readable video",
}


def test_good_clips_are_prepared(prepared: list[PreparedClip]) -> None:
    assert [clip.key for clip in prepared] == ["s1/bbaf2n", "s1/lgbz5a", "s2/lwix4s", "s3/prwd7p"]
    for clip in prepared:
        assert clip.speaker == clip.key[:2]
        assert clip.crops.shape == (FRAMES, 112, 112, 3)
        assert clip.landmarks.shape == (FRAMES, len(KEPT_LANDMARKS), 2)
        assert clip.pcm.shape == (640 * FRAMES,)


def test_the_mesh_finds_the_landmarks_again_in_the_crop(prepared: list[PreparedClip]) -> None:
    """Crop and landmarks were made by one map: shown a crop, the mesh puts its points where the file has them."""
    landmarker = FaceLandmarker()
    for clip in prepared:
        found = []
        for crop in clip.crops[::10]:
            around = cv2.copyMakeBorder(crop[..., ::-1], 40, 40, 40, 40, cv2.BORDER_REPLICATE)
            around = np.asarray(cv2.resize(around, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
            face = landmarker.find(around, landmarker.detect(around)[0])
            again, _ = landmarker.mesh(around, region_of_landmarks(face))
            found.append((again[list(KEPT_LANDMARKS), :2] + 0.5) / 2 - 0.5 - 40)
        off = np.stack(found) - clip.landmarks[::10]
        assert np.median(np.hypot(*off.T)) < 1.5


def test_the_mouth_moves_with_the_sound(prepared: list[PreparedClip]) -> None:
    """The miniature is what it says: lips that open where the sound is loud."""
    upper, lower = KEPT_LANDMARKS.index(13), KEPT_LANDMARKS.index(14)
    for clip in prepared:
        opening = clip.landmarks[:, lower, 1] - clip.landmarks[:, upper, 1]
        loud = np.sqrt(np.mean(clip.pcm.astype(float).reshape(FRAMES, -1) ** 2, 1))
        assert np.corrcoef(opening, loud)[0, 1] > 0.6


@pytest.mark.parametrize("name", BAD)
def test_a_bad_clip_says_what_is_wrong(corpus: Path, name: str) -> None:
    clip = next(clip for clip in find_clips(corpus) if clip.name == name)
    with pytest.raises(FacewireError, match=BAD[name]) as refused:
        prepare_clip(clip, FaceLandmarker())
    assert name in str(refused.value)


def test_bad_clips_are_left_out_of_a_corpus(corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = [clip for clip in find_clips(corpus) if clip.speaker == "s4"]
    assert prepare_corpus(clips, tmp_path, workers=1) == []
    for name in (*BAD, "bbaf4p"):
        assert any("left out" in message and name in message for message in caplog.messages), name
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.usefixtures("prepared")
def test_what_is_prepared_is_not_made_again(corpus: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of four is missing, with what an interrupted run left of it: only that one is made."""
    mine = tmp_path / "cache"
    shutil.copytree(cache, mine)
    (mine / "s1_bbaf2n.npz").rename(mine / "s1_bbaf2n.partial")
    before = {path.name: path.stat().st_mtime_ns for path in mine.glob("*.npz")}
    clips = [clip for clip in find_clips(corpus) if clip.speaker != "s4"]
    assert len(prepare_corpus(clips, mine, workers=2)) == 4
    after = {path.name: path.stat().st_mtime_ns for path in mine.glob("*.npz")}
    assert after.keys() - before.keys() == {"s1_bbaf2n.npz"}
    assert {name: after[name] for name in before} == before
    monkeypatch.setattr(preprocessing, "in_processes", None)  # nothing is left to do
    assert len(prepare_corpus(clips, mine)) == 4


def test_pictures_stay_in_the_file(cache: Path, prepared: list[PreparedClip]) -> None:
    with np.load(cache / "s1_bbaf2n.npz") as data:
        assert isinstance(prepared[0].crops, np.memmap)
        assert np.array_equal(prepared[0].crops, data["crops"])


@pytest.mark.usefixtures("prepared")
def test_another_film_of_the_same_name_is_prepared_anew(corpus: Path, cache: Path, tmp_path: Path) -> None:
    """As of two corpora in one folder of runs; a cache that did not note its films is taken as it is."""
    mine, other = tmp_path / "cache", tmp_path / "other.mkv"
    shutil.copytree(cache, mine)
    one, two = (clip for clip in find_clips(corpus) if clip.key in ("s1/bbaf2n", "s1/lgbz5a"))
    shutil.copy(two.path, other)
    here = mine / "s1_bbaf2n.npz"
    before = here.read_bytes()
    prepare_corpus([one], mine, workers=1)
    assert here.read_bytes() == before
    (made,) = prepare_corpus([replace(one, path=other, audio=None)], mine, workers=1)
    assert here.read_bytes() != before
    (wanted,) = prepare_corpus([two], mine, workers=1)
    assert np.array_equal(made.crops, wanted.crops)
    arrays = dict(np.load(here))
    del arrays["film_bytes"]
    np.savez(here, **arrays)
    stamp = here.stat().st_mtime_ns
    prepare_corpus([one], mine, workers=1)
    assert here.stat().st_mtime_ns == stamp


def test_an_interruption_leaves_the_rest_undone(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(jobs: Iterable[object], **_: object) -> Iterator[object]:
        yield next(iter(jobs))
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "tqdm", interrupted)
    one = find_clips(corpus)[0]
    clips = [replace(one, name=f"{one.name}{copy}") for copy in range(12)]
    with pytest.raises(KeyboardInterrupt):
        prepare_corpus(clips, tmp_path, workers=1)
    assert 1 <= len(list(tmp_path.glob("*.npz"))) < len(clips)
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("stamp", "said"), [('{"version": 99}', "version 99"), ("", "says no version"), ("[]", "says no version")]
)
def test_a_cache_of_another_version_is_refused(corpus: Path, tmp_path: Path, stamp: str, said: str) -> None:
    (tmp_path / "cache.json").write_text(stamp)
    with pytest.raises(ConfigError, match=said):
        prepare_corpus(find_clips(corpus), tmp_path)


@pytest.mark.usefixtures("prepared")
def test_a_damaged_cache_file_is_named(cache: Path, tmp_path: Path) -> None:
    whole = (cache / "s1_bbaf2n.npz").read_bytes()
    for part in (whole[: len(whole) // 2], whole[:100], b"", b"no archive"):
        (tmp_path / "x.npz").write_bytes(part)
        with pytest.raises(ConfigError, match=r"x\.npz is damaged"):
            load_prepared(tmp_path / "x.npz")


def test_an_untouched_original_and_a_copy_are_alike(grid_root: Path) -> None:
    clips = find_clips(grid_root)
    originals = [clip for clip in clips if clip.path.suffix == ".mpg"]
    copies = [clip for clip in clips if clip.path.suffix == ".mkv" and clip.speaker == "ua"] or clips
    for clip in (originals[0], copies[0]):
        made = prepare_clip(clip, FaceLandmarker())
        assert made.crops.shape[0] == 75
        assert len(made.pcm) == 48_000
        assert np.abs(made.pcm).max() > 1000
