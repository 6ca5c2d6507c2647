"""Video files → frames at 25 a second, and the sound that goes with them."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ, read_audio_file
from realtime.errors import FacewireError

FRAME_RATE = 25.0
SLOWEST_RATE, FASTEST_RATE = 23.9, 120.5  # slower, lips would stand still and jump; faster is no film
LARGEST_HEIGHT = (
    720  # a film of 1080 lines is read at 720: seconds of it would fill a gigabyte, and a face has 112 pixels to fill
)
MAX_APART_S = 1.0
LFS_POINTER = b"version https://git-lfs"


class MediaError(FacewireError):
    """A corpus file that cannot be read."""


def read_video(path: Path) -> tuple[NDArray[np.uint8], float]:
    """All frames [T, H, W, 3] BGR, of LARGEST_HEIGHT lines at most, and the frame rate.

    Raises MediaError.
    """
    frames, _, rate = _decode(path)
    return np.stack(frames), rate


def read_frames(path: Path) -> NDArray[np.uint8]:
    """Frames [T, H, W, 3] BGR at 25 a second. A film of 25 is taken as it is; of another rate, the frame nearest in media time.

    Raises MediaError, also for a rate that no speech video has, and for frames whose times go back.
    """
    frames, times_s, rate = _decode(path)
    check_rate(path, rate)
    if abs(rate - FRAME_RATE) <= 0.01:
        return np.stack(frames)
    return np.stack([frames[index] for index in nearest_frames(path, times_s, rate)])


def nearest_frames(path: Path, times_s: NDArray[np.float64], rate: float) -> NDArray[np.intp]:
    """Which of the frames at these times [N] to show at 0, 40, 80 ms … after the first: indices [T].

    Raises MediaError where times go back.
    """
    if np.any(np.diff(times_s) <= 0):
        raise MediaError(f"{path}: the times of its frames go back")
    since = times_s - times_s[0]
    wanted = np.arange(int((since[-1] + 1 / rate) * FRAME_RATE + 1e-6)) / FRAME_RATE
    after = np.clip(np.searchsorted(since, wanted), 1, max(1, len(since) - 1))
    before = after - 1
    after = np.minimum(after, len(since) - 1)
    return np.where(wanted - since[before] <= since[after] - wanted, before, after)


def check_rate(path: Path, rate: float) -> None:
    """Raises MediaError for a frame rate that no speech video has."""
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise MediaError(f"{path}: {rate:g} frames a second, {SLOWEST_RATE:g} to {FASTEST_RATE:g} were expected")


def open_media(path: Path) -> av.container.InputContainer:
    """An opened file.

    Raises MediaError for what Git LFS left in a file's place, and av.FFmpegError or OSError for what cannot be opened.
    """
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise MediaError(f"{path}: a Git LFS pointer lies in the file's place: git lfs pull brings it")
    return av.open(str(path), metadata_errors="replace")


def _decode(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64], float]:
    """Frames [H, W, 3] BGR, one or more, their times [T] in seconds, the frame rate."""
    try:
        with open_media(path) as container:
            stream = container.streams.video[0]
            rate, tick_s = float(stream.average_rate or 0), float(stream.time_base or 0)
            decoded = [(_pixels(frame), frame.pts) for frame in container.decode(stream)]
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        raise MediaError(f"{path}: no readable video ({error})") from error
    if not decoded or rate <= 0:
        raise MediaError(f"{path}: no video frames")
    frames = [frame for frame, _ in decoded]
    if len({frame.shape for frame in frames}) > 1:
        raise MediaError(f"{path}: frames of several sizes")
    times_s = [index / rate if pts is None else pts * tick_s for index, (_, pts) in enumerate(decoded)]
    return frames, np.array(times_s), rate


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    if frame.height > LARGEST_HEIGHT:
        width = round(frame.width * LARGEST_HEIGHT / frame.height)
        frame = frame.reformat(width, LARGEST_HEIGHT, "bgr24", interpolation="AREA")
    return frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def read_sound(path: Path, audio: Path | None = None) -> NDArray[np.int16]:
    """The sound [n] int16, 16 kHz mono, from the picture's first moment on: in a file the two may begin at different times.

    audio: where the sound lies in a file of its own, which begins with the picture.

    Raises MediaError, AudioError.
    """
    if audio:
        return read_audio_file(audio)
    pcm, late_s = read_audio_file(path), _sound_late_s(path)
    if abs(late_s) > MAX_APART_S:
        raise MediaError(f"{path}: sound and picture begin {abs(late_s):.1f} s apart")
    late = round(late_s * SAMPLE_RATE_HZ)
    return np.pad(pcm, (late, 0)) if late > 0 else pcm[-late:]


def _sound_late_s(path: Path) -> float:
    """How much later than the picture the sound begins; what says no time begins at 0."""
    try:
        with open_media(path) as container:
            streams = container.streams.video[0], container.streams.audio[0]
            picture_s, sound_s = (float((stream.start_time or 0) * (stream.time_base or 0)) for stream in streams)
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        raise MediaError(f"{path}: no picture with sound ({error})") from error
    return sound_s - picture_s
