"""GRID's folders and names → clips."""

from pathlib import Path

import pytest

from realtime.errors import ConfigError
from training.corpora.grid import find_clips, read_align, sentence


def test_file_names_are_sentences() -> None:
    assert sentence("bbaf2n") == "bin blue at f two now"
    assert sentence("pwizzs") == "place white in z zero soon"
    for wrong in ("", "bbaf2", "xbaf2n", "bbaf0n"):
        with pytest.raises(ValueError, match="not a GRID sentence"):
            sentence(wrong)


def test_clips_are_found_in_both_layouts_and_others_are_reported(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = {clip.key: clip for clip in find_clips(corpus)}
    assert {"s1/bbaf2n", "s1/lgbz5a", "s2/lwix4s", "s3/prwd7p"} <= clips.keys()
    assert clips["s2/lwix4s"].path == corpus / "s2" / "video" / "lwix4s.mpg"
    assert clips["s1/bbaf2n"].text == "bin blue at f two now"
    assert "s4/prwd0p" not in clips
    assert "prwd0p" in caplog.text


def test_word_times_are_read_and_damaged_ones_are_done_without(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = {clip.key: clip for clip in find_clips(corpus)}
    assert clips["s1/bbaf2n"].words[:2] == ((0.0, 0.2, "sil"), (0.2, 0.4, "bin"))
    assert clips["s1/lgbz5a"].words == clips["s3/prwd7p"].words == ()
    damaged = corpus / "s3" / "align" / "prwd7p.align"
    assert str(damaged) in caplog.text
    with pytest.raises(ValueError, match="unpack"):
        read_align(damaged)


@pytest.mark.parametrize("folder", ["s1/align", "nowhere"])
def test_a_folder_without_clips_is_refused(corpus: Path, folder: str) -> None:
    with pytest.raises(ConfigError, match="no GRID clips under"):
        find_clips(corpus / folder)


def test_a_clip_in_two_formats_counts_once(tmp_path: Path) -> None:
    for suffix in (".mpg", ".mkv"):
        (tmp_path / "s1").mkdir(exist_ok=True)
        (tmp_path / "s1" / f"bbaf2n{suffix}").touch()
    assert len(find_clips(tmp_path)) == 1
