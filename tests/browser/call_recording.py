"""What a browser saw and heard in a call, and what follows from it: movement, gaps, and sound against picture.

Legend: T pictures received, M offline frames, all times in ms. "Loudness" is a root mean square; "opening" is how far the mouth
region is from the portrait at rest, in grey levels.
"""

import base64
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ

Series = NDArray[np.float64]
Patches = NDArray[np.float32]

PATCH_SHAPE = (32, 48)
STEP_MS = 10.0
FRAME_MS = 40.0
SILENT_BELOW = 0.03
"""Of the loudest 10 ms."""
SPEECH_MARGIN_MS = (300.0, 600.0)
"""Before and after speech: neither speech nor silence, for the mouth opens early and closes gently."""
CLOCK_SPAN_MS = 4000.0


@dataclass(frozen=True, kw_only=True)
class CallRecording:
    """shown_ms [T]: when each picture was on screen; patches [T, 32, 48]: its mouth, grey; heard_ms, loudness: the sound."""

    shown_ms: Series
    patches: Patches
    heard_ms: Series
    loudness: Series

    @classmethod
    def from_page(cls, taken: dict[str, Any]) -> Self:
        """From what `probe.take()` returns."""
        frames = np.array(taken["frames"], np.float64)
        patches = np.frombuffer(base64.b64decode(taken["patches"]), np.uint8).reshape(-1, *PATCH_SHAPE)
        sound = np.array(taken["sound"], np.float64)
        heard_ms = _on_page_clock(sound[:, 0], sound[:, 2] - taken["timeOrigin"])
        return cls(shown_ms=frames[:, 0], patches=patches.astype(np.float32), heard_ms=heard_ms, loudness=sound[:, 1])

    def motion(self) -> Series:
        """[T - 1] mean absolute difference of successive pictures, grey levels."""
        return _mean_level(np.diff(self.patches, axis=0))

    def opening(self, at_rest: NDArray[np.bool_]) -> Series:
        """[T] distance from the mean of the pictures `at_rest`, grey levels."""
        return opening(self.patches, self.patches[at_rest].mean(0))


def opening(patches: Patches, rest: NDArray[np.float32]) -> Series:
    """[T] mean absolute difference of patches [T, 32, 48] from the patch at rest [32, 48]."""
    return _mean_level(patches - rest)


def loudness(pcm: NDArray[np.int16]) -> tuple[Series, Series]:
    """16 kHz sound → the middles of its 10 ms pieces and their root mean square (full scale 1)."""
    step = SAMPLE_RATE_HZ // 100
    pieces = (pcm[: len(pcm) // step * step].reshape(-1, step) / 32768.0).astype(np.float64)
    middles_ms: Series = STEP_MS * (np.arange(len(pieces), dtype=np.float64) + 0.5)
    level: Series = np.sqrt((pieces**2).mean(1)).astype(np.float64)
    return middles_ms, level


def speech_and_silence(times_ms: Series, level: Series, at_ms: Series) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the moments `at_ms` lie in speech, and which in silence, by the sound's loudness `level` at `times_ms`."""
    loud_ms = times_ms[level > SILENT_BELOW * level.max()]
    before_ms, after_ms = SPEECH_MARGIN_MS
    ahead_ms = np.array([np.min(loud_ms[loud_ms >= t] - t, initial=np.inf) for t in at_ms])
    behind_ms = np.array([np.min(t - loud_ms[loud_ms <= t], initial=np.inf) for t in at_ms])
    near = np.minimum(ahead_ms, behind_ms)
    covered = (at_ms >= times_ms[0]) & (at_ms <= times_ms[-1])
    return covered & (near <= 100.0), covered & (ahead_ms > before_ms) & (behind_ms > after_ms)


def offset_ms(times_ms: Series, values: Series, reference_ms: Series, reference: Series, *, step_ms: float) -> float:
    """How much later `values` are than the same course in `reference`, by correlation at every shift, to a fraction of a step.

    Raises ValueError where no shift fits: the best correlation is below 0.5.
    """
    span_ms = times_ms[-1] - times_ms[0]
    grid_ms = np.arange(0.0, span_ms, step_ms)
    course = np.interp(times_ms[0] + grid_ms, times_ms, values)
    starts_ms = np.arange(reference_ms[0], reference_ms[-1] - span_ms, step_ms)
    fits = np.array([_correlation(course, np.interp(s + grid_ms, reference_ms, reference)) for s in starts_ms])
    best = int(fits.argmax())
    if fits[best] < 0.5:
        raise ValueError(f"the recording does not fit its reference: correlation {fits[best]:.2f}")
    return float(times_ms[0] - starts_ms[best] - step_ms * _peak_fraction(fits, best))


def _mean_level(differences: Patches) -> Series:
    """[T, 32, 48] → [T] mean absolute value."""
    level: Series = np.abs(differences).mean((1, 2)).astype(np.float64)
    return level


def _on_page_clock(context_ms: Series, wall_ms: Series) -> Series:
    """Sound's own clock → the page's. Messages come in bursts, so the quickest within ±4 s tells the distance."""
    late_ms = wall_ms - context_ms
    near = [np.abs(context_ms - t) < CLOCK_SPAN_MS for t in context_ms[::50]]
    quickest = np.array([late_ms[mask].min() for mask in near])
    distance_ms: Series = np.interp(context_ms, context_ms[::50], quickest)
    return context_ms + distance_ms


def _correlation(a: Series, b: Series) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0


def _peak_fraction(values: Series, peak: int) -> float:
    """Where between the samples the parabola through the peak has its top: -0.5..0.5."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    left, top, right = values[peak - 1 : peak + 2]
    bend = left - 2 * top + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
