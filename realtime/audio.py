"""Sound of any rate → 16 kHz mono, the rate that speech features are made at."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.errors import AudioError

SAMPLE_RATE_HZ = 16_000


class MonoResampler:
    """Sound in portions of any size; the joined output does not depend on how it was cut.

    State: libswresample's filter; a change of the input's rate starts a new one.
    """

    def __init__(self, target_rate: int = SAMPLE_RATE_HZ) -> None:
        self._target_rate = target_rate
        self._resampler: av.AudioResampler | None = None
        self._rate = 0

    def push(self, pcm: NDArray[np.int16], sample_rate: int) -> NDArray[np.int16]:
        """Samples [n] int16 mono → [m] int16 mono at the target rate.

        Raises AudioError for samples of another type or shape, or a rate that is none.
        """
        if pcm.ndim != 1 or pcm.dtype != np.int16:
            raise AudioError(f"sound of type {pcm.dtype} and shape {pcm.shape} came, int16 of shape [n] was expected")
        if not 8_000 <= sample_rate <= 192_000:
            raise AudioError(f"a sample rate of {sample_rate} Hz came, 8000 to 192000 was expected")
        if sample_rate != self._rate:
            rest = self.flush()
            self._start(sample_rate)
            return np.concatenate([rest, self.push(pcm, sample_rate)])
        if self._resampler is None or len(pcm) == 0:
            return pcm
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        return _join(self._resampler.resample(frame))

    def flush(self) -> NDArray[np.int16]:
        """What the filter still holds."""
        rest = _join(self._resampler.resample(None)) if self._resampler else np.zeros(0, np.int16)
        self._start(0)
        return rest

    def _start(self, sample_rate: int) -> None:
        self._rate = sample_rate
        same = sample_rate in (0, self._target_rate)
        self._resampler = None if same else av.AudioResampler(format="s16", layout="mono", rate=self._target_rate)


def read_audio_file(path: Path) -> NDArray[np.int16]:
    """The first sound track of a file, any format, rate and number of channels → [n] int16, 16 kHz mono.

    Raises AudioError where there is none, or it cannot be decoded.
    """
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
            frames = [out for frame in container.decode(container.streams.audio[0]) for out in resampler.resample(frame)]
            return _join(frames + resampler.resample(None))
    except (av.FFmpegError, IndexError, OSError) as error:
        raise AudioError(f"{path}: no sound that can be read ({error})") from error


def _join(frames: list[av.AudioFrame]) -> NDArray[np.int16]:
    parts = [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)
