"""Video files → frames; sound is read by `realtime.audio`."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.errors import FacewireError


class MediaError(FacewireError):
    """A corpus file that cannot be read."""


def read_video(path: Path) -> tuple[NDArray[np.uint8], float]:
    """All frames [T, H, W, 3] BGR and the frame rate.

    Raises MediaError.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = float(stream.average_rate or 0)
            frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise MediaError(f"{path}: no readable video ({error})") from error
    if not frames or rate <= 0:
        raise MediaError(f"{path}: no video frames")
    return np.stack(frames).astype(np.uint8, copy=False), rate
