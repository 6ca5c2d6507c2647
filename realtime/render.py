"""A portrait and a sound file → a film, offline, through the same pipeline as a call."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.engine import Engine
from realtime.errors import AudioError
from realtime.model_spec import FRAME_MS
from realtime.pipeline import FRAME_SAMPLES, Pipeline, RenderedFrame
from realtime.portrait import Portrait

SAMPLE_RATE_HZ = 16_000
FRAME_RATE = 1000 // FRAME_MS
IN_FLIGHT = 16  # frames that may wait for the engine


def render_frames(
    portrait: Portrait,
    pcm: NDArray[np.int16],
    engine: Engine,
    pictured: Callable[[], bool] = lambda: True,
    in_flight: int = IN_FLIGHT,
) -> Iterator[RenderedFrame]:
    """Every frame that a sound [n] (int16, 16 kHz) makes of a portrait, in order; ceil(n / 640) of them. pictured: as a
    Pipeline takes it; in_flight: frames that may wait for the engine."""
    pipeline = Pipeline(portrait, engine, pictured=pictured)
    pending: deque[Future[list[RenderedFrame]]] = deque()
    try:
        for start in range(0, len(pcm), FRAME_SAMPLES):
            pending.extend(pipeline.push(pcm[start : start + FRAME_SAMPLES], SAMPLE_RATE_HZ))
            while len(pending) > in_flight:
                yield from pending.popleft().result()
        pending.extend(pipeline.finish())
        while pending:
            yield from pending.popleft().result()
    finally:
        pipeline.close()


def render_film(portrait: Portrait, sound: Path, film: Path, engine: Engine, progress: Callable[[int, int], None]) -> int:
    """Writes an MP4 (H.264, AAC) and returns its number of frames. progress(done, all) is called for each.

    Raises AudioError where the sound or the film's container cannot be handled.
    """
    pcm = read_audio_file(sound)
    if len(pcm) == 0:
        raise AudioError(f"{sound} holds no sound")
    n_frames = -(-len(pcm) // FRAME_SAMPLES)
    partial = film.with_name(film.name + ".partial")
    try:
        with av.open(str(partial), "w", format="mp4") as container:
            size = portrait.image.shape[0]
            video = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast", "crf": "18"})
            video.width, video.height, video.pix_fmt = size, size, "yuv420p"
            audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=64_000)
            for frame in render_frames(portrait, pcm, engine):
                _write_sound(container, audio, pcm, frame.index)
                _write_picture(container, video, frame)
                progress(frame.index + 1, n_frames)
            for stream in (video, audio):
                container.mux(stream.encode(None))
        partial.replace(film)
    except av.FFmpegError as error:
        raise AudioError(f"{film} cannot be written ({error})") from error
    finally:
        partial.unlink(missing_ok=True)
    return n_frames


def _write_picture(container: av.container.OutputContainer, video: av.VideoStream, frame: RenderedFrame) -> None:
    planar = cv2.cvtColor(frame.image, cv2.COLOR_BGR2YUV_I420)
    picture = av.VideoFrame.from_ndarray(np.asarray(planar, np.uint8), format="yuv420p")
    picture.pts, picture.time_base = frame.index, Fraction(1, FRAME_RATE)
    container.mux(video.encode(picture))


def _write_sound(container: av.container.OutputContainer, audio: av.AudioStream, pcm: NDArray[np.int16], index: int) -> None:
    """The frame's own 40 ms, on the frame's own timeline."""
    part = pcm[index * FRAME_SAMPLES : (index + 1) * FRAME_SAMPLES]
    sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(part)[None], format="s16", layout="mono")
    sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE_HZ, index * FRAME_SAMPLES, Fraction(1, SAMPLE_RATE_HZ)
    container.mux(audio.encode(sound))
