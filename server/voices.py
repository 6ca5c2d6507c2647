"""A call's voice at three rates, for lines of three kinds: each is encoded where somebody hears it, once for all who do."""

from collections.abc import Collection
from math import lcm

import numpy as np
from numpy.typing import NDArray

from server.encoders import EncodedPacket, OpusEncoder
from server.slow_voice import SlowVoice

FAST, MIDDLE, SLOW = 0, 1, 2
BLOCK_MS = 20
BLOCKS = {FAST: 1, MIDDLE: 2, SLOW: 3}  # of 20 ms, a packet
LEAD_MS = {FAST: 35.0, MIDDLE: 35.0, SLOW: 20.0}
"""How much earlier than its picture a voice leaves: a browser has more to do before it is heard (docs/decisions/0024). With the
slow one goes the motion stream, which comes when it is drawn: a message would wait on a thin line behind the packet that left
just before it (docs/decisions/0029)."""
BITS_PER_SECOND = {MIDDLE: 16_000, SLOW: 10_000}
CHANGE_MS = BLOCK_MS * lcm(*BLOCKS.values())  # at its multiples a packet of each begins: there a listener changes, without a gap


class Voices:
    """`push` block after block. A voice that nobody heard for a while begins anew."""

    def __init__(self) -> None:
        self._fast = OpusEncoder()
        self._slower = {rate: SlowVoice(blocks=BLOCKS[rate], bits_per_second=bps) for rate, bps in BITS_PER_SECOND.items()}

    def push(self, pcm: NDArray[np.int16], block: int, wanted: Collection[int]) -> list[tuple[int, float, EncodedPacket]]:
        """Block number `block` of the call, 20 ms [960] → the packets that it completes: which voice, media time in ms, packet.
        wanted: the voices that somebody hears now. The fast one is always made: it is what a newcomer gets."""
        packets = [(FAST, float(block * BLOCK_MS), packet) for packet in self._fast.encode(pcm, block * len(pcm))]
        for voice, encoder in self._slower.items():
            if voice in wanted:
                packets += [(voice, float(first * BLOCK_MS), packet) for first, packet in encoder.push(pcm, block)]
        return packets


def next_change_ms(block: int) -> float:
    """The first moment from which on a listener may hear another voice, when `block` blocks have been encoded."""
    return (block * BLOCK_MS // CHANGE_MS + 1) * CHANGE_MS
