"""GRID as it is distributed, in miniature: its own MPEG-1, copies in Matroska, and files that are damaged or none of its own."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from realtime.audio import read_audio_file
from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker
from training.corpora.grid import find_clips, read_align, sentence
from training.media import MediaError, read_video
from training.preprocessing import prepare_clip, prepare_corpus

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 10


def write_clip(path: Path, picture: np.ndarray, *, rate: int = 25) -> None:
    """A short clip of a still picture: MPEG-1 and MP2 for .mpg, H.264 and FLAC for .mkv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    video_codec, audio_codec, layout = ("mpeg1video", "mp2", "stereo") if path.suffix == ".mpg" else ("libx264", "flac", "mono")
    with av.open(str(path), "w", format="mpeg" if path.suffix == ".mpg" else "matroska") as container:
        video: Any = container.add_stream(video_codec, rate=rate)
        video.height, video.width, video.pix_fmt, video.bit_rate = *picture.shape[:2], "yuv420p", 2_000_000
        audio: Any = container.add_stream(audio_codec, rate=44_100, layout=layout)
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(video.encode(frame))
        channels = 2 if layout == "stereo" else 1
        tone = (3000 * np.sin(np.arange(44_100 * FRAMES // rate) / 20)).astype(np.int16).repeat(channels)[None]
        sound = av.AudioFrame.from_ndarray(tone, format="s16", layout=layout)
        sound.sample_rate, sound.pts, sound.time_base = 44_100, 0, Fraction(1, 44_100)
        resampler = av.AudioResampler(format=audio.format.name, layout=layout, rate=44_100)
        for part in resampler.resample(sound):
            container.mux(audio.encode(part))
        for stream in (video, audio):
            container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grid")
    portrait = min((ROOT / "web_client" / "portraits").glob("*.jpg"))
    photograph = cv2.imread(str(portrait))
    assert photograph is not None
    face = np.asarray(cv2.resize(photograph, (288, 288)))
    write_clip(root / "s1" / "bbaf2n.mkv", face)
    write_clip(root / "s2" / "video" / "lgbz5a.mpg", face)
    write_clip(root / "s3" / "swiu9s.mkv", face, rate=30)
    write_clip(root / "s4" / "prwd0p.mkv", face)  # 0 is no GRID digit
    write_clip(root / "s5" / "pbwxzs.mkv", np.full((288, 288, 3), 127, np.uint8))
    whole = (root / "s1" / "bbaf2n.mkv").read_bytes()
    (root / "s1" / "bbaf3s.mkv").write_bytes(whole[:200])
    (root / "s1" / "align").mkdir()
    (root / "s1" / "align" / "bbaf2n.align").write_text("0 5000 sil\n5000 10000 bin\n")
    return root


def test_file_names_are_sentences() -> None:
    assert sentence("bbaf2n") == "bin blue at f two now"
    assert sentence("pwizzs") == "place white in z zero soon"
    for wrong in ("", "bbaf2", "xbaf2n", "bbaf0n"):
        with pytest.raises(ValueError, match="not a GRID sentence"):
            sentence(wrong)


def test_clips_are_found_and_others_are_reported(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = find_clips(corpus)
    assert [clip.key for clip in clips] == ["s1/bbaf2n", "s1/bbaf3s", "s2/lgbz5a", "s3/swiu9s", "s5/pbwxzs"]
    assert clips[0].words == ((0.0, 0.2, "sil"), (0.2, 0.4, "bin")) == read_align(corpus / "s1" / "align" / "bbaf2n.align")
    assert "prwd0p" in caplog.text
    with pytest.raises(ConfigError, match="no GRID clips"):
        find_clips(corpus / "s1" / "align")


@pytest.mark.parametrize("name", ["s1/bbaf2n.mkv", "s2/video/lgbz5a.mpg"])
def test_both_formats_are_read(corpus: Path, name: str) -> None:
    frames, rate = read_video(corpus / name)
    assert (len(frames), rate) == (FRAMES, 25)
    assert abs(len(read_audio_file(corpus / name)) - 16_000 * FRAMES / 25) < 800


def test_bad_clips_are_left_out_and_said_so(corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    prepared = prepare_corpus(find_clips(corpus), tmp_path, workers=1)
    assert [clip.key for clip in prepared] == ["s1/bbaf2n", "s2/lgbz5a"]
    assert prepared[0].crops.shape == (FRAMES, 112, 112, 3)
    assert len(prepared[0].pcm) == 640 * FRAMES
    for reason in ("bbaf3s", "30 frames a second", "no face in frame 0"):
        assert reason in caplog.text
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    (tmp_path / "s9_left.partial").write_bytes(b"interrupted")
    prepare_corpus(find_clips(corpus), tmp_path, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")} == stamps
    (tmp_path / "cache.json").write_text('{"version": 99}')
    with pytest.raises(ConfigError, match="version 99"):
        prepare_corpus(find_clips(corpus), tmp_path, workers=1)


def test_an_untouched_original_is_read(grid_root: Path) -> None:
    clip = next(clip for clip in find_clips(grid_root) if clip.path.suffix == ".mpg")
    prepared = prepare_clip(clip, FaceLandmarker())
    assert len(prepared.crops) == 75
    assert len(prepared.pcm) == 48_000
    with pytest.raises(MediaError):
        read_video(grid_root / "README.md")
