"""When in the 20 ms of the packet clock a microphone's packets come: taken from the first ones, before any sound has left.

The clock begins at `connected`, which is any moment between two packets: read on its own beat, a packet would wait 8 to 28 ms.
The beat is moved once, so that it reads each packet a little after it comes.
"""

from server.ingest import SAMPLE_RATE_HZ, TARGET_S

PACKETS = 4  # more would take until the first sound leaves; the first one does not count: it may have waited for the connection
MAX_SHIFT_S = 0.04  # more, and the network is too uneven for a beat


class PacketPhase:
    """Of one call. `reading_s` answers once."""

    def __init__(self) -> None:
        self._offsets_s: list[float] = []

    def reading_s(self, start: int, now_s: float, due_s: float) -> float | None:
        """A packet of RTP time `start` came now, the next reading is at `due_s`: when it had better be, so that this packet and
        all that come like the first ones are read TARGET_S after the latest of them. None: it may stay."""
        if len(self._offsets_s) >= PACKETS:
            return None
        self._offsets_s.append(now_s - start / SAMPLE_RATE_HZ)
        if len(self._offsets_s) < PACKETS:
            return None
        wanted_s = max(self._offsets_s[1:]) + start / SAMPLE_RATE_HZ + TARGET_S
        return wanted_s if abs(wanted_s - due_s) <= MAX_SHIFT_S else None
