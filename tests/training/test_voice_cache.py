"""A corpus heard in many voices is made once, and is the same whether it comes from its files or not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import ConfigError
from tests.training.noise import noise_clip
from training import voice_cache
from training.augmentation import AugmentationConfig
from training.synthetic.dubbing import Dub
from training.voice_cache import hear, hear_all

THREE = AugmentationConfig(variants=3)
CLIPS = [noise_clip("a"), noise_clip("b")]


def dub_of(clip_hops: int) -> Dub:
    return Dub(pcm=CLIPS[1].pcm, hops=np.arange(clip_hops, dtype=np.int16))


def test_the_files_hold_what_is_computed_in_memory(tmp_path: Path) -> None:
    hops = hear("a", CLIPS[0].pcm, (), THREE, 1).own.shape[1]
    dub = dub_of(hops)
    first, second = hear_all(CLIPS, THREE, 1, tmp_path, {"a/x": [dub]})
    assert (first.n_own, first.n_dubs, second.n_dubs) == (4, 3, 0)
    wanted = hear("a/x", CLIPS[0].pcm, [dub], THREE, 1)
    assert np.array_equal(first.own, wanted.own)
    assert np.array_equal(first.dubs, wanted.dubs)
    assert not np.array_equal(wanted.own[1], wanted.own[2])


def test_what_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hear_all(CLIPS[:1], THREE, 1, tmp_path)

    made: list[str] = []

    def count(_work: object, items: list[tuple[voice_cache._Said, Path]], **_: object) -> list[None]:
        made.extend(said.key for said, _ in items)
        return []

    monkeypatch.setattr(voice_cache, "in_processes", count)
    assert len(hear_all(CLIPS[:1], THREE, 1, tmp_path)) == 1
    assert made == []


@pytest.mark.parametrize("changed", ["seed", "augmentation", "sound", "dub"])
def test_what_another_setting_made_is_not_read(tmp_path: Path, changed: str) -> None:
    hops = hear("a", CLIPS[0].pcm, (), THREE, 1).own.shape[1]
    hear_all(CLIPS[:1], THREE, 1, tmp_path)
    clip = replace(CLIPS[0], pcm=CLIPS[0].pcm + 1) if changed == "sound" else CLIPS[0]
    config = replace(THREE, warp=0.1) if changed == "augmentation" else THREE
    dubs = {clip.key: [dub_of(hops)]} if changed == "dub" else None
    [heard] = hear_all([clip], config, 2 if changed == "seed" else 1, tmp_path, dubs)
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert heard.n_dubs == (3 if changed == "dub" else 0)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    hear_all(CLIPS[:1], THREE, 1, tmp_path)
    [path] = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match=path.name):
        hear_all(CLIPS[:1], THREE, 1, tmp_path)
