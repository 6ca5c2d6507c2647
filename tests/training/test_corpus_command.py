"""`facewire corpus` tells what a folder holds and writes a manifest, and a manifest is as good as its folder."""

import json
import shutil
from pathlib import Path

import pytest

import facewire
from realtime.errors import ConfigError
from tests.training.test_corpora import TREES
from training.corpora.manifest import read_manifest
from training.corpora.registry import CORPORA, load


@pytest.mark.parametrize("name", TREES)
def test_a_corpus_is_told_and_listed(
    corpora: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    manifest, left_out, tree = tmp_path / "lists" / "clips.jsonl", tmp_path / "lists" / "left_out.tsv", TREES[name]
    words = ["corpus", str(corpora[name]), "--manifest", str(manifest), "--left-out", str(left_out), "--threads", "2"]
    assert facewire.main(words) == 0
    told = capsys.readouterr().out
    assert CORPORA[name].title in told
    assert CORPORA[name].licence in told
    assert told.count("left out ") == len(tree.wrong) + len(tree.damaged)
    speakers = len({key.split("/")[0] for key in tree.clips})
    assert f"all {speakers} {len(tree.clips)} 0.00" in " ".join(told.split())
    assert len(left_out.read_text().splitlines()) == len(tree.wrong) + len(tree.damaged) + sum(tree.unused.values())
    kind, clips = load(manifest)
    assert kind.name == name
    found = {clip.key: clip for clip in kind.scan(corpora[name]).clips}
    for clip in clips:
        same = found[clip.key]
        assert clip.path.samefile(same.path)
        assert (clip.audio is None) == (same.audio is None)
        assert (clip.text, clip.emotion, clip.level, clip.phones) == (same.text, same.emotion, same.level, same.phones)
    assert [clip.key for clip in clips] == sorted(tree.clips)
    assert facewire.main(["corpus", str(manifest), "--threads", "1"]) == 0
    assert "nothing left out" in capsys.readouterr().out


def test_grid_is_told_too(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert facewire.main(["corpus", str(corpus)]) == 0
    told = capsys.readouterr().out
    for name in ("prwd0p", "sgao4n", "srbh1a", "bgim3s", "bbaf3s", "bbaf4p", "swiu9s"):
        assert f"s4/{name}" in told
    assert "25 fps (5)" in told  # the four good ones, and one without a face, which only preprocessing looks for


def test_a_corpus_and_its_manifest_move_together(corpora: dict[str, Path], tmp_path: Path) -> None:
    here = tmp_path / "here"
    shutil.copytree(corpora["crema-d"], here / "corpus")
    assert facewire.main(["corpus", str(here / "corpus"), "--manifest", str(here / "clips.jsonl")]) == 0
    here.rename(tmp_path / "there")
    _, clips = load(tmp_path / "there" / "clips.jsonl")
    assert all(clip.path.exists() and (clip.audio is None or clip.audio.exists()) for clip in clips)


def test_settings_that_do_not_fit_are_said(corpora: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(corpora["ravdess"])
    for words, said in (
        ([root, "--kind", "mead"], "none of them a clip of mead"),
        ([root, "--threads", "0"], "--threads 0: one or more"),
        ([str(tmp_path)], "laid out as none of"),
    ):
        assert facewire.main(["corpus", *words]) == 2
        assert said in capsys.readouterr().err


WHOLE = {
    "corpus": "mead",
    "speaker": "M003",
    "name": "sad_1_001",
    "video": "a.mp4",
    "audio": None,
    "sentence": "",
    "emotion": "sad",
    "level": 1,
    "words": [],
    "phones": [[0, 1, "sil"]],
    "frame_rate": 30,
    "duration_s": 2,
    "width": 64,
    "height": 64,
}


def test_every_corpus_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        facewire.main(["corpus", "--help"])
    assert f"--kind {{{','.join(CORPORA)}}}" in " ".join(capsys.readouterr().out.split())


def row(**changed: object) -> str:
    """A line of a manifest; a value `gone` takes its key away."""
    return json.dumps({key: value for key, value in (WHOLE | changed).items() if value != "gone"})


def test_a_line_as_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "clips.jsonl").write_text(row() + "\n\n")
    kind, (clip,) = read_manifest(tmp_path / "clips.jsonl")
    assert (kind, clip.key, clip.path, clip.phones) == ("mead", "M003/sad_1_001", tmp_path / "a.mp4", ((0.0, 1.0, "sil"),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists clips of no corpus"),
        ("not JSON", "line 1: "),
        ("[]", "line 1: "),
        ("7", "line 1: "),
        (row(emotion="bored"), "line 1: 'bored' is no emotion"),
        (row(name="gone"), "keys name are missing or unknown"),
        (row(fps=25), "keys fps are missing or unknown"),
        (row(speaker=7), "must be text"),
        (row(words=[[0, 1]]), "line 1: "),
        (row(level="high"), "line 1: "),
        (f"{row()}\n{row()}", "lists 1 clips twice"),
        (f"{row()}\n{row(corpus='grid', name='x')}", "lists clips of grid and mead"),
        (row(corpus="lrs3"), "no corpus 'lrs3'"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "clips.jsonl").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "clips.jsonl")
    assert said in str(refused.value)


def test_a_manifest_of_another_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips.jsonl").write_text(row())
    with pytest.raises(ConfigError, match="lists clips of mead, not of grid"):
        load(tmp_path / "clips.jsonl", "grid")
