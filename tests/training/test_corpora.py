"""Each corpus's folders and names → clips; what is wrong, damaged or of no use is left out, and said."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from realtime.errors import ConfigError
from training.corpora import tcd_timit
from training.corpora.probe import probe_all
from training.corpora.registry import CORPORA, corpus, detect, load


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What a miniature holds. clips: key → audio file, text, emotion, level; wrong: file → words of the reason; damaged: the
    same, of clips that only their files' contents betray; unused: how many files of each reason."""

    clips: dict[str, tuple[str | None, str, str | None, int | None]]
    wrong: dict[str, str]
    damaged: dict[str, str]
    unused: dict[str, int]


TREES = {
    "tcd-timit": Tree(
        clips={
            "01M/sa1": (None, "She had your dark suit in greasy wash water all year.", None, None),
            "08F/si1204": (None, "", None, None),
            "Lipspkr1/sx55": (None, "", None, None),
        },
        wrong={"volunteers/01M/Clips/straightcam/take2.mp4": "'take2' is not a TIMIT sentence"},
        damaged={"01M/sa2": "cannot be read", "01M/sx100": "no sound"},
        unused={"the second camera, 30 degrees to the side": 1},
    ),
    "mead": Tree(
        clips={
            "M003/angry_1_001": ("M003/audio/angry/level_1/001.m4a", "", "angry", 1),
            "W009/fear_3_005": ("W009/audio/fear/level_3/005.m4a", "", "fearful", 3),
            "W009/neutral_1_040": ("W009/audio/neutral/level_1/040.m4a", "", "neutral", 1),
        },
        wrong={
            "M003/video/front/angry/level_1/take5.mp4": "NNN.mp4 was expected",
            "M003/video/front/bored/level_1/001.mp4": "'bored' is none of MEAD's emotions",
        },
        damaged={"M003/angry_1_002": "cannot be read", "M003/angry_1_003": "003.m4a: cannot be", "M003/angry_1_004": "no sound"},
        unused={"another view than the frontal one": 1},
    ),
    "ravdess": Tree(
        clips={
            "Actor_01/01-01-03-02-01-01-01": (None, "kids are talking by the door", "happy", 2),
            "Actor_03/01-01-01-01-02-02-03": (None, "dogs are sitting by the door", "neutral", 1),
        },
        wrong={
            "Actor_01/01-01-03-02-01-01-03.mp4": "the name says actor 03, the folder Actor_01",
            "Actor_01/01-01-03-02-01-01.mp4": "NN-NN-NN-NN-NN-NN-NN.mp4 was expected",
            "Actor_01/01-01-09-01-01-01-01.mp4": "stands for nothing",
        },
        damaged={"Actor_01/01-01-04-02-01-01-01": "cannot be read", "Actor_01/01-01-05-02-01-01-01": "no sound"},
        unused={"picture without sound (modality 02)": 1, "a song (vocal channel 02)": 1},
    ),
    "crema-d": Tree(
        clips={
            "1001/DFA_ANG_XX": ("AudioWAV/1001_DFA_ANG_XX.wav", "don't forget a jacket", "angry", None),
            "1015/IEO_HAP_LO": ("AudioWAV/1015_IEO_HAP_LO.wav", "it's eleven o'clock", "happy", 1),
            "1040/ITH_SAD_X": (None, "i think i have a doctor's appointment", "sad", None),
        },
        wrong={
            "VideoFlash/1001_DFA_ANG.flv": "ACTOR_SENTENCE_EMOTION_LEVEL.flv was expected",
            "VideoFlash/1001_XYZ_ANG_XX.flv": "names a sentence or an emotion that CREMA-D has not",
        },
        damaged={"1001/IEO_FEA_HI": "it ends after", "1001/IEO_SAD_MD": "no sound", "1001/IEO_DIS_HI": "git lfs pull"},
        unused={},
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_clips_are_found_with_what_their_names_say(corpora: dict[str, Path], name: str) -> None:
    root, tree = corpora[name], TREES[name]
    clips = {clip.key: clip for clip in CORPORA[name].scan(root).clips}
    assert clips.keys() == tree.clips.keys() | tree.damaged.keys()
    for key, (audio, text, emotion, level) in tree.clips.items():
        clip = clips[key]
        assert clip.audio == (root / audio if audio else None)
        assert (clip.text, clip.emotion, clip.level) == (text, emotion, level)
        assert clip.path.exists()


@pytest.mark.parametrize("name", TREES)
def test_what_is_no_clip_is_left_out_with_the_reason(corpora: dict[str, Path], name: str) -> None:
    root, tree = corpora[name], TREES[name]
    left_out = CORPORA[name].scan(root).left_out
    wrong = {str(item.path.relative_to(root)): item.reason for item in left_out if not item.expected}
    assert wrong.keys() == tree.wrong.keys()
    for file, said in tree.wrong.items():
        assert said in wrong[file]
    unused = [item.reason for item in left_out if item.expected]
    assert {reason: unused.count(reason) for reason in unused} == tree.unused


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("name", TREES)
def test_looking_into_the_files_finds_what_is_damaged(corpora: dict[str, Path], name: str, decode: bool) -> None:
    tree = TREES[name]
    clips = CORPORA[name].scan(corpora[name]).clips
    usable, damaged = probe_all(clips, decode=decode, threads=2)
    assert [clip.key for clip, _ in usable] == sorted(tree.clips)
    for _, probed in usable:
        assert probed.frame_rate == pytest.approx(30 if name == "mead" else 29.97, abs=0.01)
        assert probed.duration_s == pytest.approx(1.2, abs=0.05)
        assert (probed.width, probed.height) == (288, 288)
    reasons = {clip.key: item.reason for clip in clips for item in damaged if item.path == clip.path}
    assert reasons.keys() == tree.damaged.keys()
    for key, said in tree.damaged.items():
        assert said in reasons[key]


@pytest.mark.parametrize("name", TREES)
def test_finding_clips_logs_what_is_wrong(corpora: dict[str, Path], name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert len(CORPORA[name].find_clips(corpora[name])) == len(TREES[name].clips) + len(TREES[name].damaged)
    for file in TREES[name].wrong:
        assert f"left out {corpora[name] / file}" in caplog.text
    for reason, count in TREES[name].unused.items():
        assert f"not used, {count}: {reason}" in caplog.messages


def test_a_corpus_is_known_by_its_layout(corpora: dict[str, Path], corpus: Path) -> None:
    for name, root in {**corpora, "grid": corpus}.items():
        assert detect(root).name == name
        assert load(root)[0] is CORPORA[name]


def test_a_layout_that_is_none_or_several_is_refused(corpora: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="laid out as none of grid, tcd-timit"):
        detect(tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        detect(tmp_path / "none")
    for name in ("ravdess", "crema-d"):
        for place in corpora[name].iterdir():
            (tmp_path / place.name).symlink_to(place)
    with pytest.raises(ConfigError, match="laid out as ravdess and crema-d"):
        detect(tmp_path)
    with pytest.raises(ConfigError, match="no corpus 'lrs3'"):
        corpus("lrs3")


@pytest.mark.parametrize("name", CORPORA)
def test_a_folder_without_clips_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"clips under .* was expected"):
        load(tmp_path, name)


def test_phone_times_are_read_and_damaged_ones_are_done_without(
    corpora: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = corpora["tcd-timit"]
    clips = {clip.key: clip for clip in tcd_timit.find_clips(root)}
    assert clips["01M/sa1"].phones == ((0.0, 0.25, "sil"), (0.25, 0.4, "sh"))
    assert clips["Lipspkr1/sx55"].phones == ()
    assert f"no phone times from {root / 'lipspeaker_labelfiles.mlf'}" in caplog.text
    with pytest.raises(ValueError, match="unpack"):
        tcd_timit.read_mlf(root / "lipspeaker_labelfiles.mlf")


@pytest.mark.parametrize("text", ["0 30000 Don't ask me.\n", "0 9000 Don't\n9000 12000 ask\n12000 30000 me.\n", "Don't ask me."])
def test_texts_are_read_with_and_without_times(tmp_path: Path, text: str) -> None:
    (tmp_path / "SX1.txt").write_text(text)
    assert tcd_timit.read_text(tmp_path / "SX1.txt") == "Don't ask me."
