"""Files → frames and sound that belong together, or an error that says what is wrong."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import FacewireError
from tests.training.make_corpus import FRAMES, SAMPLES_A_FRAME, write_clip
from training.media import MediaError, read_sound, read_video

SPOILT = 60


@pytest.mark.parametrize("name", ["s1/bbaf2n.mkv", "s2/video/lwix4s.mpg"])
def test_both_formats_are_read(corpus: Path, name: str) -> None:
    frames, rate = read_video(corpus / name)
    assert (len(frames), rate) == (FRAMES, 25)
    assert frames.shape[1:] == (288, 288, 3)
    assert abs(len(read_sound(corpus / name)) - FRAMES * SAMPLES_A_FRAME) < 400


@pytest.mark.parametrize("suffix", [".mkv", ".mpg"])
def test_a_click_and_a_flash_of_one_moment_stay_together(tmp_path: Path, suffix: str) -> None:
    """Containers begin sound and picture at different times; read as if they did not, MPEG-1's is 11 ms late."""
    frames, pcm = np.zeros((FRAMES, 64, 64, 3), np.uint8), np.zeros(FRAMES * SAMPLES_A_FRAME, np.int16)
    frames[10], pcm[10 * SAMPLES_A_FRAME : 10 * SAMPLES_A_FRAME + 16] = 255, 20_000
    write_clip(tmp_path / f"x{suffix}", frames, pcm)
    flash = int(read_video(tmp_path / f"x{suffix}")[0].mean((1, 2, 3)).argmax())
    click = int(np.abs(read_sound(tmp_path / f"x{suffix}").astype(int)).argmax())
    assert flash == 10
    assert abs(click - 8 - flash * SAMPLES_A_FRAME) <= 32  # 2 ms


def test_what_is_no_film_is_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mkv").write_text("no film")
    for path in (tmp_path / "text.mkv", tmp_path / "none.mkv", corpus / "s4" / "bbaf3s.mkv"):
        with pytest.raises(MediaError, match=path.name):
            read_video(path)


@pytest.mark.parametrize("name", ["s1/bbaf2n.mkv", "s2/video/lwix4s.mpg"])
def test_spoilt_files_end_in_an_error_of_ours_or_in_frames(corpus: Path, tmp_path: Path, name: str) -> None:
    whole, rng = (corpus / name).read_bytes(), np.random.default_rng(0)
    path = tmp_path / Path(name).name
    for _ in range(SPOILT):
        spoilt = bytearray(whole[: rng.integers(1, 30_000)])
        for place in rng.integers(0, min(len(spoilt), 2000), 12):
            spoilt[place] = int(rng.integers(256))
        path.write_bytes(spoilt)
        for read in (read_video, read_sound):
            with suppress(FacewireError):
                read(path)
