"""MFCC hops → one window a video frame.

Frame k stands for 40 k ms; its window is the 28 hops from 4 k + offset on. Hops before the sound and after it are those of
digital silence, whose coefficients are zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.model_spec import FRAME_MS, HOP_MS, N_MFCC, WINDOW_HOPS

HOPS_A_FRAME = FRAME_MS // HOP_MS


@dataclass(frozen=True, kw_only=True)
class Window:
    """What frame `index` hears: mfcc float32 [12, 28], oldest hop first. voiced: somebody speaks during the frame, or just
    after it, as far as the window reaches; at its newest hop, where it reaches no frame of its own."""

    index: int
    mfcc: NDArray[np.float32]
    voiced: bool


class WindowSlicer:
    """Hops in, windows out, each as soon as its last hop is there.

    State: the hops that the next window begins with, and whether each was voiced.
    """

    def __init__(self, offset_hops: int) -> None:
        self._offset = offset_hops
        self._next = 0  # frame
        before = max(0, -offset_hops)  # hops of silence in front of the sound
        self._first = -before  # hop that the rows below begin with
        self._mfcc = np.zeros((before, N_MFCC), np.float32)
        self._voiced = np.zeros(before, bool)

    def push(self, mfcc: NDArray[np.float64], voiced: list[bool]) -> list[Window]:
        """Coefficients [n, 12] and as many voice decisions → the windows that they complete."""
        self._mfcc = np.concatenate([self._mfcc, mfcc.astype(np.float32)])
        self._voiced = np.concatenate([self._voiced, np.asarray(voiced, bool)])
        windows = []
        while (window := self._cut()) is not None:
            windows.append(window)
        return windows

    def flush(self, n_frames: int) -> list[Window]:
        """The end of the sound: the windows of all frames before `n_frames`, silence behind the last hop."""
        last = HOPS_A_FRAME * (n_frames - 1) + self._offset + WINDOW_HOPS
        missing = max(0, last - (self._first + len(self._mfcc)))
        windows = self.push(np.zeros((missing, N_MFCC)), [False] * missing)
        return [window for window in windows if window.index < n_frames]

    def _cut(self) -> Window | None:
        start = HOPS_A_FRAME * self._next + self._offset - self._first
        if len(self._mfcc) < start + WINDOW_HOPS:
            return None
        mfcc = np.ascontiguousarray(self._mfcc[start : start + WINDOW_HOPS].T)
        end = start + WINDOW_HOPS
        frame_start = min(max(0, HOPS_A_FRAME * self._next - self._first), end - 1)
        voiced = bool(self._voiced[frame_start:end].any())
        window = Window(index=self._next, mfcc=mfcc, voiced=voiced)
        self._next += 1
        drop = max(0, min(HOPS_A_FRAME * self._next + self._offset, HOPS_A_FRAME * self._next) - self._first)
        self._first += drop
        self._mfcc, self._voiced = self._mfcc[drop:], self._voiced[drop:]
        return window
