"""The two tracks that go out. Packets wait for the moment that their media time leaves; both tracks follow one schedule."""

import asyncio
from collections.abc import Callable

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from realtime.pacing import ReleaseSchedule
from server.encoders import EncodedPacket

MAX_WAITING = 32  # packets: 0.6 s of sound, 1.3 s of pictures


class ReleasedTrack(MediaStreamTrack):
    """Encoded packets in, in order; out when due. Bounded: the oldest goes where the network takes nothing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()
        self._packets: asyncio.Queue[tuple[float, EncodedPacket] | None] = asyncio.Queue()
        self._schedule: ReleaseSchedule | None = None
        self._wall_anchor_s = 0.0
        self.on_keyframe_request: Callable[[], None] = lambda: None
        self.on_bitrate: Callable[[int], None] = lambda _: None
        self.overflowed = 0

    def start(self, schedule: ReleaseSchedule, wall_anchor_s: float) -> None:
        """wall_anchor_s: the wall clock at media time 0 (Unix seconds)."""
        self._schedule, self._wall_anchor_s = schedule, wall_anchor_s

    def put(self, media_ms: float, packet: EncodedPacket) -> None:
        if self._packets.qsize() >= MAX_WAITING:
            self._packets.get_nowait()
            self.overflowed += 1
        self._packets.put_nowait((media_ms, packet))

    async def recv(self) -> EncodedPacket:
        """Raises MediaStreamError once the track has ended."""
        if self.readyState != "live":
            raise MediaStreamError
        item = await self._packets.get()
        if item is None or self._schedule is None:
            self.stop()
            raise MediaStreamError
        media_ms, packet = item
        if (wait_s := self._schedule.wait_s(media_ms)) > 0:
            await asyncio.sleep(wait_s)
        return packet

    def end(self) -> None:
        """Lets `recv` raise, also where it waits."""
        self._packets.put_nowait(None)

    def wall_time_s(self, media_s: float) -> float | None:
        return self._wall_anchor_s + media_s if self._schedule else None

    def request_keyframe(self) -> None:
        self.on_keyframe_request()

    def limit_bitrate(self, bits_per_second: int) -> None:
        self.on_bitrate(bits_per_second)
