"""Films of 24 to 120 frames a second are read at 25, by media time; what is filmed at 25 stays as it is."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.face_landmarks import FaceLandmarker
from tests.training.make_corpus import SAMPLES_A_FRAME, write_clip, write_sound
from training.corpora.registry import CORPORA
from training.media import MediaError, nearest_frames, read_frames, read_sound, read_video
from training.preprocessing import KEPT_LANDMARKS, prepare_clip

NTSC = Fraction(30_000, 1001)
FILM = Path("film")


@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), NTSC, Fraction(30), Fraction(50), Fraction(120)])
def test_the_frame_nearest_in_time_is_shown(rate: Fraction) -> None:
    times_s = 0.5 + np.arange(round(2 * rate)) / float(rate)
    chosen = nearest_frames(FILM, times_s, float(rate))
    assert abs(len(chosen) - 50) <= 1
    shown_s = times_s[chosen] - 0.5
    wanted_s = np.arange(len(chosen)) / 25
    assert np.abs(shown_s - wanted_s).max() <= max(0.5, 1 if rate < 25 else 0.5) / float(rate) + 1e-9
    for index, wanted in enumerate(wanted_s):
        assert abs(shown_s[index] - wanted) == pytest.approx(np.abs(times_s - 0.5 - wanted).min(), abs=1e-9)


def test_frames_that_are_missing_or_late_do_not_shift_the_others() -> None:
    times_s = np.delete(np.arange(60) / 30, [7, 8, 9, 30])
    shown_s = times_s[nearest_frames(FILM, times_s, 30.0)]
    assert len(shown_s) == 50
    assert np.abs(shown_s - np.arange(50) / 25).max() <= 2.5 / 30
    assert np.abs(shown_s - np.arange(50) / 25)[30:].max() <= 0.5 / 30 + 1e-9


def test_times_that_go_back_are_refused() -> None:
    with pytest.raises(MediaError, match="go back"):
        nearest_frames(FILM, np.array([0, 0.04, 0.02]), 25.0)


def test_one_frame_is_one_frame() -> None:
    assert list(nearest_frames(FILM, np.array([3.0]), 24.0)) == [0]


@pytest.mark.parametrize("suffix", [".mkv", ".mpg"])
def test_what_is_filmed_at_25_stays_as_it_is(corpus: Path, suffix: str) -> None:
    for path in sorted(corpus.glob(f"s[123]/**/*{suffix}")):
        assert np.array_equal(read_frames(path), read_video(path)[0])


def test_a_film_of_25_that_lacks_a_frame_stays_as_it_is_too(tmp_path: Path) -> None:
    """GRID's clips of 74 frames are read as they always were; of a film of 30, the frame before or after stands in."""
    frames = np.repeat(np.arange(0, 240, 8, dtype=np.uint8), 64 * 64 * 3).reshape(30, 64, 64, 3)
    lengths = {}
    for rate in (25, 30):
        film = tmp_path / f"{rate}.mkv"
        write_clip(film, frames, np.zeros(0, np.int16), rate=rate, missing=frozenset({10}))
        lengths[rate] = len(read_frames(film)), len(read_video(film)[0])
    assert lengths == {25: (29, 29), 30: (25, 29)}


@pytest.mark.parametrize(("suffix", "rate"), [(".mp4", NTSC), (".mp4", 30), (".flv", NTSC), (".mkv", 50)])
@pytest.mark.parametrize("apart", [False, True])
def test_a_click_and_a_flash_of_one_moment_stay_together(tmp_path: Path, suffix: str, rate: Fraction | int, apart: bool) -> None:
    """Half a second in; the sound in the video, or in a file of its own that begins with the picture."""
    half = round(rate / 2)
    frames, pcm = np.zeros((2 * half + 4, 64, 64, 3), np.uint8), np.zeros(20_000, np.int16)
    frames[half:] = 255
    click = round(half / Fraction(rate) * 16_000)
    pcm[click : click + 16] = 20_000
    film, sound = tmp_path / f"x{suffix}", tmp_path / "x.wav"
    write_clip(film, frames, pcm, rate=rate)  # Flash begins its picture after its sound
    write_sound(sound, pcm)
    flash = int((read_frames(film).mean((1, 2, 3)) > 128).argmax())
    heard = int(np.abs(read_sound(film, sound if apart else None).astype(int)).argmax()) - 8
    assert abs(heard - click) <= 32  # 2 ms
    assert abs(flash * SAMPLES_A_FRAME - heard) <= SAMPLES_A_FRAME / 2 + 32


def test_a_large_film_is_read_smaller_and_keeps_its_picture(tmp_path: Path) -> None:
    y, x = np.mgrid[:1080, :1920]
    picture = np.repeat(np.dstack([x / 8, y / 5, (x + y) / 12]).astype(np.uint8)[None], 3, 0)
    write_clip(tmp_path / "x.mp4", picture, np.zeros(0, np.int16), rate=30)
    frames = read_frames(tmp_path / "x.mp4")
    assert frames.shape == (2, 720, 1280, 3)
    wanted = cv2.resize(picture[0], (1280, 720), interpolation=cv2.INTER_AREA)
    assert np.abs(frames[0].astype(int) - wanted).mean() < 3


@pytest.mark.parametrize("rate", [10, 15, 200])
def test_a_rate_that_no_speech_video_has_is_refused(tmp_path: Path, rate: int) -> None:
    write_clip(tmp_path / "x.mp4", np.zeros((30, 64, 64, 3), np.uint8), np.zeros(0, np.int16), rate=rate)
    with pytest.raises(MediaError, match=f"{rate} frames a second, 23.9 to 120.5 were expected"):
        read_frames(tmp_path / "x.mp4")


@pytest.mark.parametrize(
    ("name", "key"), [("mead", "M003/angry_1_001"), ("ravdess", "Actor_01/01-01-03-02-01-01-01"), ("crema-d", "1001/DFA_ANG_XX")]
)
def test_prepared_mouths_move_with_their_sound(corpora: dict[str, Path], name: str, key: str) -> None:
    """At 30 and 29.97 frames a second, the sound apart and not: lips open where it is loud, and at no other lag more."""
    clip = next(clip for clip in CORPORA[name].scan(corpora[name]).clips if clip.key == key)
    made = prepare_clip(clip, FaceLandmarker())
    assert len(made.pcm) == SAMPLES_A_FRAME * len(made.crops)
    assert 28 <= len(made.crops) <= 30
    upper, lower = KEPT_LANDMARKS.index(13), KEPT_LANDMARKS.index(14)
    opening = made.landmarks[:, lower, 1] - made.landmarks[:, upper, 1]
    loud = np.sqrt(np.mean(made.pcm.astype(float).reshape(len(opening), -1) ** 2, 1))
    at = {lag: np.corrcoef(opening[3:-3], np.roll(loud, lag)[3:-3])[0, 1] for lag in (-2, -1, 0, 1, 2)}
    assert at[0] > 0.6
    assert max(at, key=lambda lag: at[lag]) == 0
