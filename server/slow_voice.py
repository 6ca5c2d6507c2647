"""The voice for a poor line: Opus at fewer bits, in packets of several blocks, and few in silence.

A packet's headers on the wire are 58 bytes: 50 packets a second would be 23 kbit/s before a word is said.
"""

import av
import numpy as np
from numpy.typing import NDArray

from server.encoders import AUDIO_RATE_HZ, AUDIO_TIME_BASE, EncodedPacket

QUIET_RMS = 40  # int16 units: a muted microphone or a very good one; Opus' own detector is not to be reached through FFmpeg
QUIET_PACKETS = 4  # in quiet that has lasted so long, one packet in KEPT_EVERY is sent, as Opus itself does (RFC 6716, 2.1.9)
KEPT_EVERY = 7


class SlowVoice:
    """blocks: of 20 ms, a packet. State: the encoder's, the blocks that wait for their packet, and for how long it has been
    quiet."""

    def __init__(self, *, blocks: int, bits_per_second: int) -> None:
        self._length = blocks
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = AUDIO_RATE_HZ, "mono", "s16"
        codec.bit_rate, codec.time_base = bits_per_second, AUDIO_TIME_BASE
        packet_ms = str(20 * blocks)
        codec.options = {"application": "voip", "frame_duration": packet_ms, "fec": "1", "packet_loss": "10"}
        self._codec = codec
        self._blocks: list[NDArray[np.int16]] = []
        self._quiet = 0  # packets

    def push(self, pcm: NDArray[np.int16], block: int) -> list[tuple[int, EncodedPacket]]:
        """Block number `block` of the call, 20 ms [960] → the packet that it completes, with the number of its first block.
        Packets begin at the multiples of their length."""
        if len(self._blocks) != block % self._length:
            self._blocks.clear()
            if block % self._length:
                return []
        self._blocks.append(pcm)
        if len(self._blocks) < self._length:
            return []
        sound, first = np.concatenate(self._blocks), block - self._length + 1
        self._blocks.clear()
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, first * len(pcm), AUDIO_TIME_BASE
        data = [bytes(packet) for packet in self._codec.encode(frame)]
        return [(first, _packet(part, first * len(pcm))) for part in data] if self._is_needed(sound) else []

    def _is_needed(self, sound: NDArray[np.int16]) -> bool:
        rms = float(np.sqrt((sound.astype(np.float64) ** 2).mean()))
        self._quiet = self._quiet + 1 if rms < QUIET_RMS else 0
        return self._quiet <= QUIET_PACKETS or (self._quiet - QUIET_PACKETS) % KEPT_EVERY == 0


def _packet(data: bytes, pts: int) -> EncodedPacket:
    packet = av.Packet(data)
    packet.pts, packet.time_base = pts, AUDIO_TIME_BASE
    return packet
