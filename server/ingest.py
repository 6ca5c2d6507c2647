"""The microphone's timeline, rebuilt from RTP time and read on a steady clock.

Packets come late, in bursts, not at all (loss), or on purpose not at all (DTX, mute). What is read is always there, always
on time: silence where nothing came. The delay follows the jitter and comes back down; it never grows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
RING_SAMPLES = 4 * SAMPLE_RATE_HZ
REVIEW_BLOCKS = 100  # two seconds
LATE_SHARE = 0.25  # of the packets: more of them late is the network's way, not an accident
MAX_STEP_BACK = SAMPLE_RATE_HZ // 5
PERCENTILE = 10  # of the spare sound at reading: one lost packet must not look like jitter


@dataclass(frozen=True, kw_only=True)
class IngestConfig:
    """block_ms: what one read takes; target_ms: sound kept in hand; slack_ms: more than target + slack is skipped."""

    block_ms: int = 20
    target_ms: int = 20
    slack_ms: int = 20


class ClockedIngest:
    """A ring of four seconds, addressed by the sender's own sample numbers (RTP time).

    Counters: missing_samples (silence read), late_packets (came after their time), skips and holds (delay taken away, added).
    """

    def __init__(self, config: IngestConfig | None = None) -> None:
        config = config or IngestConfig()
        self.block = SAMPLE_RATE_HZ * config.block_ms // 1000
        self._target = SAMPLE_RATE_HZ * config.target_ms // 1000
        self._slack = SAMPLE_RATE_HZ * config.slack_ms // 1000
        self._ring = np.zeros(RING_SAMPLES, np.int16)
        self._written: int | None = None  # first sample that was never written
        self._read = 0  # first sample that was never read
        self._spare: list[int] = []
        self._late_by: list[int] = []  # samples, since the last review
        self.missing_samples = self.late_packets = self.skips = self.holds = 0

    def write(self, start: int, pcm: NDArray[np.int16]) -> None:
        """One packet's samples [n] at RTP time `start`."""
        end = start + len(pcm)
        if self._written is None or not -RING_SAMPLES < start - self._written < RING_SAMPLES // 2:
            self._ring[:] = 0  # the first packet, or another timeline
            self._written, self._read = start, start - self._target
        if end <= self._read:
            self.late_packets += 1
            self._late_by.append(self._read - end + self.block)
            return
        if start > self._written:
            self._silence(self._written, start)
        self._ring[np.arange(start, end) % RING_SAMPLES] = pcm
        self._written = max(self._written, end)

    def read(self) -> NDArray[np.int16]:
        """The next block, always whole: call it once every `block_ms`."""
        if self._written is None:
            return np.zeros(self.block, np.int16)
        end = self._read + self.block
        missing = max(0, end - self._written)
        if missing:
            self._silence(self._written, end)
            self.missing_samples += missing
        self._spare.append(-missing if missing else self._written - end)
        block = self._ring[np.arange(self._read, end) % RING_SAMPLES]
        self._read = end
        if len(self._spare) >= REVIEW_BLOCKS:
            self._review()
        return block

    @property
    def missing_ms(self) -> float:
        return 1000 * self.missing_samples / SAMPLE_RATE_HZ

    def _review(self) -> None:
        """Every two seconds: skip what is always in hand beyond the target, step back where packets keep coming too late."""
        spare, n_blocks = int(np.percentile(self._spare, PERCENTILE)), len(self._spare)
        late_by, self._spare, self._late_by = self._late_by, [], []
        if len(late_by) > n_blocks * LATE_SHARE:
            self._read -= min(int(np.percentile(late_by, 100 - PERCENTILE)), MAX_STEP_BACK)
            self.holds += 1
        elif spare > self._target + self._slack:
            self._read += spare - self._target
            self.skips += 1

    def _silence(self, start: int, end: int) -> None:
        count = min(end - start, RING_SAMPLES)
        self._ring[np.arange(end - count, end) % RING_SAMPLES] = 0
