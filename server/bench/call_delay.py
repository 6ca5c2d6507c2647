"""What a browser recorded in a call → how long each burst took to come back as voice and as a moving mouth.

Both are found by correlation: the voice's loudness against the microphone's; the mouth's opening against the same sound drawn
offline, so that a mouth that opens a little before its sound (it knows the future that it waited for) is not taken for less
delay. Times in ms; "opening" is how far the mouth's region is from the portrait at rest, in grey levels.
"""

import base64
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.engine import Engine
from realtime.lip_map import OUTER_LIP
from realtime.pipeline import Pipeline, RenderedFrame
from realtime.portrait import Portrait
from server.encoders import AUDIO_RATE_HZ

Series = NDArray[np.float64]
Course = tuple[Series, Series]  # times, values
Box = tuple[int, int, int, int]

PATCH_SHAPE = (32, 48)
STEP_MS = 5.0
ONSET_OF_LOUDEST = 0.15
QUIET_BEFORE_MS = 600.0
COMPARED_MS = (-150.0, 650.0)  # around a burst's beginning
MAX_DELAY_MS = 900.0
CLOCK_SPAN_MS = 4000.0
SEARCHED_BEFORE_MS = 100.0
MIN_FIT = 0.6
MARGIN = 0.35  # of the lips' width
WAITING_FRAMES = 32


@dataclass(frozen=True, kw_only=True)
class BurstDelays:
    """One burst: ms from its being spoken to the voice's track, and to the picture on screen; None where neither fits."""

    voice_ms: float | None
    picture_ms: float | None


def mouth_box(portrait: Portrait) -> Box:
    """x, y, width, height of the lips with a margin, in picture pixels."""
    lips = portrait.landmarks[list(OUTER_LIP)]
    low, high = lips.min(0), lips.max(0)
    margin = MARGIN * (high - low)[0]
    (x0, y0), (x1, y1) = np.maximum(0, low - margin).astype(int), (high + margin).astype(int)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def drawn_offline(engine: Engine, portrait: Portrait, pcm: NDArray[np.int16], box: Box) -> Course:
    """The mouth's opening over the sound [n] (48 kHz), spoken twice, as a call without any delay would show it."""
    pipeline = Pipeline(portrait, engine)
    twice, packet = np.tile(pcm, 2), AUDIO_RATE_HZ // 50
    waiting: list[Future[list[RenderedFrame]]] = []
    frames: list[RenderedFrame] = []
    for start in range(0, len(twice), packet):
        waiting += pipeline.push(twice[start : start + packet], AUDIO_RATE_HZ)
        while len(waiting) > WAITING_FRAMES:
            frames += waiting.pop(0).result()
    for future in [*waiting, *pipeline.finish()]:
        frames += future.result()
    pipeline.close()
    patches = np.stack([_patch(frame.image, box) for frame in frames])
    return np.array([frame.pts_ms for frame in frames], np.float64), _opening(patches, _patch(portrait.image, box))


def burst_delays(taken: dict[str, Any], pcm: NDArray[np.int16], offline: Course) -> list[BurstDelays]:
    """One entry for each burst that the microphone heard whole. taken: what `latency.take()` returned."""
    heard, returned = (_on_page_clock(np.array(sound, np.float64), taken["timeOrigin"]) for sound in taken["sound"])
    seen = _seen(taken)
    sound = _loudness(np.tile(pcm, 2))
    begins_ms = _begins(sound)
    delays = []
    for onset_ms in _begins(heard):
        if onset_ms + COMPARED_MS[1] + MAX_DELAY_MS > heard[0][-1]:
            break
        voice_ms = _delay(heard, onset_ms, returned, onset_ms)
        burst_ms = _which(heard, onset_ms, sound, begins_ms)
        picture_ms = None if burst_ms is None else _delay(offline, burst_ms, seen, onset_ms)
        delays.append(BurstDelays(voice_ms=voice_ms, picture_ms=picture_ms))
    return delays


def _delay(reference: Course, reference_ms: float, course: Course, from_ms: float) -> float | None:
    """How much later than `from_ms` the course does what the reference does around `reference_ms`; None where it does not."""
    grid = np.arange(*COMPARED_MS, STEP_MS)
    wanted = np.interp(reference_ms + grid, *reference)
    shifts = np.arange(0.0, MAX_DELAY_MS, STEP_MS)
    fits = np.array([_fit(wanted, np.interp(from_ms + shift + grid, *course)) for shift in shifts])
    best = int(fits.argmax())
    if fits[best] < MIN_FIT or not 0 < best < len(fits) - 1:
        return None
    left, top, right = fits[best - 1 : best + 2]
    return float(shifts[best] + STEP_MS * 0.5 * (left - right) / (left - 2 * top + right))


def _which(heard: Course, onset_ms: float, sound: Course, begins_ms: list[float]) -> float | None:
    """The moment of the sound (its second time round) that the microphone heard at `onset_ms`. By correlation: where a burst
    begins to be loud is not the same before and after the browser's noise suppression."""
    period_ms = (sound[0][-1] - sound[0][0] + STEP_MS) / 2
    grid = np.arange(COMPARED_MS[0], COMPARED_MS[1], STEP_MS)
    wanted = np.interp(onset_ms + grid, *heard)
    second = [begin for begin in begins_ms if period_ms - 1 <= begin]
    fits = [_fit(wanted, np.interp(begin + grid, *sound)) for begin in second]
    if not fits or max(fits) < MIN_FIT:
        return None
    from_ms = second[int(np.argmax(fits))] - SEARCHED_BEFORE_MS
    later_ms = _delay(heard, onset_ms, sound, from_ms)
    return None if later_ms is None else from_ms + later_ms


def _begins(course: Course) -> list[float]:
    """When it becomes loud after a pause."""
    times_ms, level = course
    loud_ms = times_ms[level > ONSET_OF_LOUDEST * np.percentile(level, 99)]
    return [float(now) for now, before in zip(loud_ms[1:], loud_ms, strict=False) if now - before > QUIET_BEFORE_MS]


def _loudness(pcm: NDArray[np.int16]) -> Course:
    """48 kHz sound → the middles of its 5 ms pieces and their root mean square."""
    step = AUDIO_RATE_HZ // 200
    pieces = pcm[: len(pcm) // step * step].reshape(-1, step) / 32768.0
    middles_ms: Series = STEP_MS * (np.arange(len(pieces), dtype=np.float64) + 0.5)
    level: Series = np.sqrt((pieces**2).mean(1)).astype(np.float64)
    return middles_ms, level


def _seen(taken: dict[str, Any]) -> Course:
    patches = np.frombuffer(base64.b64decode(taken["patches"]), np.uint8).reshape(-1, *PATCH_SHAPE).astype(np.float64)
    return np.array(taken["frames"], np.float64), _opening(patches, np.median(patches, axis=0))


def _patch(image: NDArray[np.uint8], box: Box) -> Series:
    x, y, width, height = box
    grey = cv2.cvtColor(image[y : y + height, x : x + width], cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, PATCH_SHAPE[::-1], interpolation=cv2.INTER_AREA).astype(np.float64)


def _opening(patches: Series, rest: Series) -> Series:
    level: Series = np.abs(patches - rest).mean((1, 2))
    return level


def _on_page_clock(sound: Series, time_origin_ms: float) -> Course:
    """Rows of a sound's own time, its level, and when it was there by the wall's clock or somewhat later: when, by the page's.
    What is delivered late says nothing: the quickest within ±4 s tells how the clocks are apart."""
    own_ms, apart_ms = sound[:, 0], sound[:, 2] - time_origin_ms - sound[:, 0]
    at = own_ms[::100]
    quickest = [apart_ms[np.abs(own_ms - t) < CLOCK_SPAN_MS].min() for t in at]
    on_page_ms: Series = own_ms + np.interp(own_ms, at, quickest)
    return on_page_ms, sound[:, 1]


def _fit(a: Series, b: Series) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0
