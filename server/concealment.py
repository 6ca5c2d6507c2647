"""Sound that never came: the sound before it goes on, period by period, and fades, instead of a hole of silence.

A lost packet of a poor line's microphone is 40 to 60 ms. The copy in the packet behind it comes too late by as much.
Source: ITU-T G.711, Appendix I, in its simplest form.
"""

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

SAMPLE_RATE_HZ = 48_000
COARSER = 6  # the period is looked for at 8 kHz
REMEMBERED = SAMPLE_RATE_HZ * 40 // 1000
COMPARED = SAMPLE_RATE_HZ // COARSER * 16 // 1000
PERIODS = (SAMPLE_RATE_HZ // COARSER // 400, SAMPLE_RATE_HZ // COARSER // 66)  # samples of 8 kHz: voices of 400 to 66 Hz
FADED = SAMPLE_RATE_HZ * 80 // 1000  # made-up sound of so long has become silence
BLENDED = SAMPLE_RATE_HZ * 5 // 1000  # into the sound that comes back


class Concealment:
    """State: the last 40 ms, the period that is repeated, and how much was made up in a row."""

    def __init__(self) -> None:
        self._before: Pcm = np.zeros(REMEMBERED, np.int16)
        self._period, self._made = 0, 0

    def push(self, block: Pcm, known: int) -> Pcm:
        """A block [n] of which the first `known` samples came → the same with the rest made up."""
        if known == len(block) and not self._made:
            self._remember(block)
            return block
        whole = block.copy()
        if self._made and known:
            n = min(BLENDED, known)
            back = np.arange(1, n + 1) / n
            whole[:n] = (1 - back) * self._go_on(n) + back * whole[:n]
            self._made = 0
        self._remember(whole[:known])
        if known < len(whole):
            whole[known:] = self._go_on(len(whole) - known)
        return whole

    def _remember(self, pcm: Pcm) -> None:
        self._before = np.concatenate([self._before, pcm])[-REMEMBERED:]

    def _go_on(self, count: int) -> Pcm:
        """The next samples [count], made up."""
        if self._made == 0:
            self._period = _period(self._before)
        at = self._made + np.arange(count)
        self._made += count
        return (self._before[-self._period :][at % self._period] * np.maximum(0, 1 - at / FADED)).astype(np.int16)


def _period(pcm: Pcm) -> int:
    """Samples after which the end of a sound [REMEMBERED] is most like itself."""
    coarse = pcm.reshape(-1, COARSER).mean(1)
    end = coarse[-COMPARED:]
    earlier = np.lib.stride_tricks.sliding_window_view(coarse, COMPARED)[::-1]  # row k: k samples ago
    energy = np.maximum(1.0, (earlier**2).sum(1))
    likeness = (earlier @ end / np.sqrt(energy))[PERIODS[0] : PERIODS[1] + 1]
    return COARSER * (PERIODS[0] + int(likeness.argmax()))
