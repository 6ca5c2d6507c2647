"""Video files → frames, and the sound that goes with them."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ, read_audio_file
from realtime.errors import FacewireError

MAX_APART_S = 1.0


class MediaError(FacewireError):
    """A corpus file that cannot be read."""


def read_video(path: Path) -> tuple[NDArray[np.uint8], float]:
    """All frames [T, H, W, 3] BGR and the frame rate.

    Raises MediaError.
    """
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            rate = float(stream.average_rate or 0)
            frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        raise MediaError(f"{path}: no readable video ({error})") from error
    if not frames or rate <= 0:
        raise MediaError(f"{path}: no video frames")
    if len({frame.shape for frame in frames}) > 1:
        raise MediaError(f"{path}: frames of several sizes")
    return np.stack(frames).astype(np.uint8, copy=False), rate


def read_sound(path: Path) -> NDArray[np.int16]:
    """The sound [n] int16, 16 kHz mono, from the picture's first moment on: in a file the two may begin at different times.

    Raises MediaError, AudioError.
    """
    pcm, late_s = read_audio_file(path), _sound_late_s(path)
    if abs(late_s) > MAX_APART_S:
        raise MediaError(f"{path}: sound and picture begin {abs(late_s):.1f} s apart")
    late = round(late_s * SAMPLE_RATE_HZ)
    return np.pad(pcm, (late, 0)) if late > 0 else pcm[-late:]


def _sound_late_s(path: Path) -> float:
    """How much later than the picture the sound begins; what says no time begins at 0."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            streams = container.streams.video[0], container.streams.audio[0]
            picture_s, sound_s = (float((stream.start_time or 0) * (stream.time_base or 0)) for stream in streams)
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        raise MediaError(f"{path}: no picture with sound ({error})") from error
    return sound_s - picture_s
