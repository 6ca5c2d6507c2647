"""The microphone's timeline, rebuilt from RTP time and read on a steady clock.

Packets come late, in bursts, not at all (loss), or on purpose not at all (DTX, mute). What is read is always there, always on
time: silence where nothing came. The delay is as small as the network's jitter lets it be: it grows at once where a packet comes
late, and shrinks again, in a quiet moment, when packets have come early for some seconds.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
BLOCK = 960  # samples of a read: 20 ms, as long as a packet
BLOCK_S = BLOCK / SAMPLE_RATE_HZ
RING_SAMPLES = 4 * SAMPLE_RATE_HZ
TARGET_S = 0.008  # how long before its reading a packet should be there
LOW_S = 0.003  # less than this, and the next packet may be late: a block of silence is put in while it is quiet
REVIEW_SAMPLES = 2 * SAMPLE_RATE_HZ
REMEMBERED_REVIEWS = 3
SPARED = 1  # packets of a review that may come too late where they are longer than a block, as on poor lines: what waited
# behind something else is made up, and the call does not wait for its like
MAX_STEP_BACK = SAMPLE_RATE_HZ // 5  # a packet that is later than this is given up
QUIET_PEAK = 500  # of 32767; a block below it can be left out or doubled unheard
PATIENCE_BLOCKS = 250  # five seconds without a quiet one, and it is done anyway


class ClockedIngest:
    """A ring of four seconds, addressed by the sender's own sample numbers (RTP time). `now_s` is any steady clock's time.

    Counters: missing_samples (silence read where sound was due), late_packets (given up), steps_back (a late packet made the
    delay longer), holds and skips (a quiet block put in, left out).
    """

    def __init__(self) -> None:
        self._ring = np.zeros(RING_SAMPLES, np.int16)
        self._written: int | None = None  # first sample that was never written
        self._read = 0  # first sample that was never read
        self._next_read_s = 0.0
        self._early_s: list[float] = []  # by how much packets were early, since the last review
        self._reviewable = 0  # samples of those packets
        self._spared = 0  # packets since the last review
        self._lowest_s: deque[float] = deque(maxlen=REMEMBERED_REVIEWS)
        self._surplus = 0  # blocks to leave out (positive) or put in (negative) when it is quiet
        self._patience = 0
        self.last_wait_s = 0.0  # from the last packet's arrival to its reading
        self.known = BLOCK  # samples of the last block that had come, or that are silence on purpose; the rest is missing
        self.missing_samples = self.late_packets = self.steps_back = self.holds = self.skips = 0

    def write(self, start: int, pcm: NDArray[np.int16], now_s: float, *, recovered: bool = False) -> None:
        """One packet's samples [n] at RTP time `start`. recovered: of a lost packet, from the one behind it; where that comes
        more than a block too late, only what is still to be read is taken."""
        end = start + len(pcm)
        if self._written is None or not -RING_SAMPLES < start - self._written < RING_SAMPLES // 2:
            self._begin(start, now_s)
        if (recovered and self._read - start > BLOCK) or self._spares(start, len(pcm)):
            self._put(self._read, pcm[self._read - start :])
            return
        if start < self._read - MAX_STEP_BACK:
            self.late_packets += 1
            return
        if start < self._read:
            self._read = start
            self.steps_back += 1
        self._put(start, pcm)
        self.last_wait_s = self._next_read_s + (start - self._read) // BLOCK * BLOCK_S - now_s
        self._early_s.append(self.last_wait_s)
        self._reviewable += end - start
        if self._reviewable >= REVIEW_SAMPLES:
            self._review()

    def _spares(self, start: int, length: int) -> bool:
        """Whether a packet is too late and not waited for."""
        if length <= BLOCK or not 0 < self._read - start <= MAX_STEP_BACK or self._spared == SPARED:
            return False
        self._spared += 1
        self.late_packets += 1
        return True

    def read(self, now_s: float) -> NDArray[np.int16]:
        """The next block, always whole: call it once every 20 ms."""
        self._next_read_s, self.known = now_s + BLOCK_S, BLOCK
        if self._written is None:
            return np.zeros(BLOCK, np.int16)
        if self._surplus and self._may_adjust():
            self._forget()
            if self._surplus < 0:
                self._surplus += 1
                self.holds += 1
                return np.zeros(BLOCK, np.int16)
            self._surplus -= 1
            self.skips += 1
            self._read += BLOCK
        self.known = min(BLOCK, max(0, self._written - self._read))
        self._pad(self._read + BLOCK)
        block = self._peek()
        self._read += BLOCK
        return block

    @property
    def missing_ms(self) -> float:
        return 1000 * self.missing_samples / SAMPLE_RATE_HZ

    def read_next(self, start: int, next_read_s: float) -> None:
        """The reading at `next_read_s`, and nothing before it, begins at RTP time `start`."""
        self._written = self._read = start
        self._next_read_s, self._surplus = next_read_s, 0
        self._forget()
        self._lowest_s.clear()

    def _begin(self, start: int, now_s: float) -> None:
        """The first packet, or another timeline: it is read at the first reading that leaves it TARGET_S."""
        self._ring[:] = 0
        early_s = max(0.0, self._next_read_s - now_s)
        wait_blocks = max(0, int(np.ceil((TARGET_S - early_s) / BLOCK_S)))
        self._written, self._read, self._surplus = start, start - wait_blocks * BLOCK, 0
        self._forget()
        self._lowest_s.clear()

    def _review(self) -> None:
        """Every two seconds of packets: what could be left out, what had better be put in."""
        long = self._reviewable > BLOCK * len(self._early_s)
        lowest_s = sorted(self._early_s)[SPARED if long and len(self._early_s) > SPARED else 0]
        self._spared = 0
        self._forget()
        if self._surplus:
            return
        self._lowest_s.append(lowest_s)
        spare_s = min(self._lowest_s) - TARGET_S
        if lowest_s < LOW_S:
            self._plan(-1)
        elif len(self._lowest_s) == REMEMBERED_REVIEWS and spare_s > 1.25 * BLOCK_S:
            self._plan(int(spare_s / BLOCK_S))

    def _plan(self, surplus: int) -> None:
        self._surplus, self._patience = surplus, PATIENCE_BLOCKS
        self._lowest_s.clear()

    def _may_adjust(self) -> bool:
        self._patience -= 1
        return self._patience <= 0 or int(np.abs(self._peek()).max()) < QUIET_PEAK

    def _peek(self) -> NDArray[np.int16]:
        return self._ring[np.arange(self._read, self._read + BLOCK) % RING_SAMPLES]

    def _put(self, start: int, pcm: NDArray[np.int16]) -> None:
        self._pad(start)
        self._ring[np.arange(start, start + len(pcm)) % RING_SAMPLES] = pcm
        self._written = max(self._written or 0, start + len(pcm))

    def _forget(self) -> None:
        """How early packets were says nothing of how early they will be."""
        self._early_s, self._reviewable = [], 0

    def _pad(self, end: int) -> None:
        """Silence up to `end` where nothing was written. Where it will be read, it is missing."""
        start = max(self._written or 0, self._read)
        count = min(end - start, RING_SAMPLES)
        if count > 0:
            self._ring[np.arange(end - count, end) % RING_SAMPLES] = 0
            self._written = end
            self.missing_samples += count
