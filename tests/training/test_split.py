"""Known faces and voices flatter: a split is by speaker."""

import pytest

from realtime.errors import ConfigError
from tests.training.noise import noise_clip
from training.split import by_speaker, speakers_named

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


def test_names_as_they_are_typed() -> None:
    assert speakers_named("s31,ua, s27 ,") == ("s31", "ua", "s27")
    assert speakers_named(" ") == ()
