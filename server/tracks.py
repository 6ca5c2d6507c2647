"""The two tracks that go out. Packets wait for the moment that they are due; both tracks follow one schedule."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

from aiortc.mediastreams import MediaStreamError

from realtime.pacing import ReleaseSchedule
from server.aiortc_adjustments import EncodedTrack
from server.encoders import EncodedPacket

RESENT_SHARE = 0.25  # of what is sent: on a line that is full, more of it would only keep it full
RESENT_BYTES, MAX_RESENT_BYTES = 1200, 24_000  # a packet's; what may be saved up, a keyframe's
MAX_OVERDUE_S = 0.5  # what the network did not take by then goes, so that nothing piles up


class ReleasedTrack(EncodedTrack):
    """Encoded packets in, in order; out when due. on_loss: a packet went unsent; on_refused: more was lost than may be sent
    again; on_bitrate: the receiver's estimate; on_report: share of packets lost, highest sequence number; unsent: packets given
    up; sent_bytes: what has left; on_sent: the one that was due at a media time leaves, so many seconds late."""

    def __init__(self, kind: Literal["audio", "video"], schedule: ReleaseSchedule) -> None:
        self.kind = kind
        super().__init__()
        self._schedule = schedule
        self._wall_anchor_s: float | None = None
        self._packets: deque[tuple[float, EncodedPacket]] = deque()
        self._news = asyncio.Event()
        self.unsent = self.sent_bytes = 0
        self._resendable_bytes = float(MAX_RESENT_BYTES)
        self.on_sent: Callable[[float, float], None] = lambda _media_ms, _late_s: None
        self.on_loss: Callable[[], None] = lambda: None
        self.on_refused: Callable[[], None] = lambda: None
        self.on_bitrate: Callable[[int], None] = lambda _: None
        self.on_report: Callable[[float, int], None] = lambda _share, _highest: None

    def start(self, wall_anchor_s: float) -> None:
        """wall_anchor_s: the wall clock at media time 0 (Unix seconds)."""
        self._wall_anchor_s = wall_anchor_s

    def put(self, media_ms: float, packet: EncodedPacket) -> None:
        """Hands over a packet that leaves when this media time is due; those before it that are long overdue are given up."""
        while self._packets and self._schedule.lateness_s(self._packets[0][0]) > MAX_OVERDUE_S:
            self._packets.popleft()
            self.unsent += 1
            self.on_loss()
        self._packets.append((media_ms, packet))
        self._news.set()

    async def recv(self) -> EncodedPacket:
        """Raises MediaStreamError once the track has ended."""
        while not self._packets and self.readyState == "live":
            self._news.clear()
            await self._news.wait()
        if self.readyState != "live":
            raise MediaStreamError
        media_ms, packet = self._packets.popleft()
        await asyncio.sleep(self._schedule.wait_s(media_ms))
        self._resendable_bytes = min(MAX_RESENT_BYTES, self._resendable_bytes + RESENT_SHARE * packet.size)
        self.sent_bytes += packet.size
        self.on_sent(media_ms, self._schedule.lateness_s(media_ms))
        return packet

    def stop(self) -> None:
        """Ends the track; `recv` raises, also where it waits."""
        super().stop()
        self._news.set()

    def wall_time_s(self, media_s: float) -> float | None:
        return None if self._wall_anchor_s is None else self._wall_anchor_s + media_s

    def request_keyframe(self) -> None:
        self.on_loss()

    def grant_resending(self, n_packets: int) -> int:
        granted = min(n_packets, int(self._resendable_bytes // RESENT_BYTES))
        self._resendable_bytes -= granted * RESENT_BYTES
        if granted < n_packets:
            self.on_refused()
        return granted

    def pause(self) -> None:
        """No more of it is wanted for now: what waits goes, and nothing is sent again."""
        self._packets.clear()
        self._resendable_bytes = 0.0

    def limit_bitrate(self, bits_per_second: int) -> None:
        self.on_bitrate(bits_per_second)

    def note_loss(self, share: float, highest: int) -> None:
        self.on_report(share, highest)
