"""Two corpora learnt from at once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.errors import ConfigError
from tests.training.make_corpus import make_corpus
from tests.training.test_synthetic import SCRIPT
from training import split
from training.corpora import mixture


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("grid"))


def made_up(root: Path, source: Path, actor: str = "photo-speaker-26") -> Path:
    """A synthetic corpus of one clip, whose film is another's."""
    folder = root / actor
    folder.mkdir(parents=True)
    (root / "synthetic.json").write_text("{}")
    (folder / "00003.mkv").write_bytes(source.read_bytes())
    said = {"sentence": SCRIPT.sentence, "emotion": SCRIPT.emotion, "level": SCRIPT.level, "phones": []}
    (folder / "00003.json").write_text(json.dumps(said))
    return root


def test_the_first_is_divided_and_the_second_learnt_from_whole(grid: Path, tmp_path: Path) -> None:
    other = made_up(tmp_path / "made", grid / "s1" / "bbaf2n.mkv")
    mixed = mixture.read([grid, other], "s3")
    assert {clip.speaker for clip in mixed.test} == {"s3"}
    assert [clip.key for clip in mixed.added[0].clips] == ["photo-speaker-26/00003"]
    assert mixed.origin()["corpus_name"] == "grid"
    assert "CC BY 4.0 + the photographs' own" in mixed.origin()["licence"]
    prepared = replace(mixed, learn=[clip for clip in mixed.learn if clip.key == "s1/bbaf2n"]).prepare(tmp_path / "cache", 1)
    assert [clip.key for clip in prepared] == ["s1/bbaf2n", "photo-speaker-26/00003"]
    assert mixed.added_keys == {"photo-speaker-26/00003"}
    again = mixture.read([grid], "s3")
    assert again.origin()["licence"] == "CC BY 4.0"


def test_clips_of_one_name_in_two_folders_are_prepared_apart(grid: Path, tmp_path: Path) -> None:
    first = made_up(tmp_path / "a", grid / "s1" / "bbaf2n.mkv")
    second = made_up(tmp_path / "b", grid / "s2" / "video" / "lwix4s.mpg")
    frames = []
    for other in (first, second):
        mixed = mixture.read([grid, other], "s3")
        prepared = replace(mixed, learn=[]).prepare(tmp_path / "cache", 1)
        frames.append(prepared[0].crops)
    assert frames[0].shape != frames[1].shape or (frames[0] != frames[1]).any()


def test_an_added_corpus_with_a_held_out_speaker_is_refused(grid: Path, tmp_path: Path) -> None:
    other = made_up(tmp_path / "made", grid / "s1" / "bbaf2n.mkv", actor="s3")
    with pytest.raises(ConfigError, match="s3, who are held out"):
        mixture.read([grid, other], "s3")


def test_so_is_one_with_a_speaker_of_the_papers_test(grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`paper` names nobody: who is held out is whom the test has and training has not."""
    monkeypatch.setattr(split, "GRID_TEST", ("s2",))
    other = made_up(tmp_path / "made", grid / "s1" / "bbaf2n.mkv", actor="s2")
    with pytest.raises(ConfigError, match="s2, who are held out"):
        mixture.read([grid, other], "paper")
    assert mixture.read([grid], "paper").test


def test_the_same_corpus_twice_is_refused(grid: Path, tmp_path: Path) -> None:
    other = made_up(tmp_path / "made", grid / "s1" / "bbaf2n.mkv")
    with pytest.raises(ConfigError, match=r"another corpus has too \(photo-speaker-26/00003\)"):
        mixture.read([grid, other, other], "s3")
