"""Known faces and voices flatter: a split is by speaker; and the splits of the papers are the papers'."""

from pathlib import Path

import pytest

from realtime.errors import ConfigError
from tests.training.noise import noise_clip
from training.corpora.clip import Clip
from training.corpora.registry import CORPORA
from training.split import GRID_TEST, PAPER_SPLITS, by_speaker, divide, leave_out, speakers_named

TCD_WOMEN = (3, 5, 7, 8, 9, 11, 13, 15, 17, 30, 31, 32, 33, 36, 37, 38, 40, 43, 44, 45, 46, 50, 51, 58, 59)
CLIPS = [noise_clip(speaker, 1) for speaker in ("a", "a", "b", "c")]


def test_a_split_is_by_speaker() -> None:
    learn, test = by_speaker(CLIPS, ("b", "c"))
    assert [clip.speaker for clip in learn] == ["a", "a"]
    assert [clip.speaker for clip in test] == ["b", "c"]


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        (("d",), "holding out d: no such speaker, there are a, b, c"),
        (("b", "C"), "holding out C: no such speaker"),  # else c would be learnt from, and called unseen
        (("a", "b", "c"), "leaves 0 clips to learn from"),
        ((), "holding out nobody leaves 4 clips to learn from and 0 to test on"),
    ],
)
def test_a_split_that_would_not_hold_is_refused(held_out: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        by_speaker(CLIPS, held_out)


def test_of_a_speaker_with_many_clips_some_are_left_out() -> None:
    clips = [Clip(path=Path("x"), speaker="a", name=f"{i:03}") for i in range(120)]
    few = [Clip(path=Path("x"), speaker="b", name=f"{i:03}") for i in range(49)]
    learn, left = leave_out([*reversed(clips), *few])
    assert [clip.key for clip in left] == ["a/024", "a/049", "a/074", "a/099"]
    assert len(learn) == 116 + 49
    assert not {clip.key for clip in learn} & {clip.key for clip in left}


def test_names_as_they_are_typed() -> None:
    assert speakers_named("s31,ua, s27 ,") == ("s31", "ua", "s27")
    assert speakers_named(" ") == ()


WHOLE = {  # corpus: its speakers
    "grid": [f"s{number}" for number in range(1, 35) if number != 21],
    "tcd-timit": [f"{number:02}{'F' if number in TCD_WOMEN else 'M'}" for number in range(1, 60)] + ["Lipspkr1", "Lipspkr3"],
    "ravdess": [f"Actor_{number:02}" for number in range(1, 25)],
    "crema-d": [str(number) for number in range(1001, 1092)],
}
COUNTS = {"grid": (27, 6), "tcd-timit": (49, 10), "ravdess": (20, 4), "crema-d": (82, 9)}


@pytest.mark.parametrize("name", COUNTS)
def test_the_papers_splits_have_their_numbers_of_speakers(name: str, caplog: pytest.LogCaptureFixture) -> None:
    learn, test = PAPER_SPLITS[name](Clip(path=Path(speaker), speaker=speaker, name="x") for speaker in WHOLE[name])
    assert (len(learn), len(test)) == COUNTS[name]
    assert not {clip.speaker for clip in learn} & {clip.speaker for clip in test}
    assert not any(clip.speaker.startswith("Lip") for clip in learn + test)
    assert not caplog.messages


def test_the_speakers_that_a_paper_names_are_the_ones() -> None:
    for name, expected in (("ravdess", [3, 4, 5, 6]), ("crema-d", [15, 20, 21, 30, 33, 52, 62, 81, 89])):
        _, test = PAPER_SPLITS[name](Clip(path=Path(speaker), speaker=speaker, name="x") for speaker in WHOLE[name])
        assert [int(clip.speaker[-2:]) for clip in test] == expected
    assert {"s27", "s31"} <= set(GRID_TEST)  # whom the default weights never heard


def test_a_part_of_a_corpus_is_no_papers_split_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    clips = [Clip(path=Path(speaker), speaker=speaker, name="x") for speaker in ("s1", "s2", "s31")]
    learn, test = PAPER_SPLITS["grid"](clips)
    assert ([clip.speaker for clip in learn], [clip.speaker for clip in test]) == (["s1", "s2"], ["s31"])
    assert "2 speakers to learn from and 1 to test on of 27 and 6" in caplog.text
    with pytest.raises(ConfigError, match="holding out nobody"):
        PAPER_SPLITS["grid"](clips[:2])


def test_meads_split_is_eight_to_two_within_every_speaker_emotion_and_level() -> None:
    styles = [(speaker, style) for speaker in ("M003", "W009") for style in ("angry_1", "angry_3", "neutral_1")]
    clips = [
        Clip(path=Path("x"), speaker=speaker, name=f"{style}_{number:03}")
        for speaker, style in styles
        for number in range(1, 41 if style == "neutral_1" else 31)
    ]
    learn, test = PAPER_SPLITS["mead"](clips)
    assert len(learn) == 4 * len(test)
    for speaker, style in styles:
        parts = [[clip for clip in part if clip.key.startswith(f"{speaker}/{style}_")] for part in (learn, test)]
        assert len(parts[0]) == 4 * len(parts[1])
    spoken = [{tuple(clip.name.split("_")[::2]) for clip in part} for part in (learn, test)]
    assert not spoken[0] & spoken[1]  # no emotion's sentence is in both, at whatever level
    with pytest.raises(ConfigError, match="leaves 2 clips to learn from and 0 to test on"):
        PAPER_SPLITS["mead"](clips[:2])


def test_every_corpus_has_its_split() -> None:
    assert PAPER_SPLITS.keys() == CORPORA.keys() - {"synthetic"}, "what is made at home, nobody has published a split of"


def test_a_split_is_named_as_it_is_typed() -> None:
    clips = [Clip(path=Path(speaker), speaker=speaker, name="x") for speaker in WHOLE["ravdess"]]
    for typed, counts in (("paper", [20, 4]), (" paper ", [20, 4]), ("Actor_01, Actor_24", [22, 2])):
        assert [len(part) for part in divide(clips, "ravdess", typed)] == counts
    with pytest.raises(ConfigError, match="no paper divided lrs3"):
        divide(clips, "lrs3", "paper")
    with pytest.raises(ConfigError, match="holding out papers: no such speaker"):
        divide(clips, "ravdess", "papers")
