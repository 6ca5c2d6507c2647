"""One listener's motion stream: learnt where that is needed, its atlas sent in small parts, then the call's messages."""

import asyncio
import logging
import struct
from collections.abc import Callable

from realtime.errors import CapacityError, MotionError
from realtime.motion import atlas as atlas_format
from realtime.motion.atlas import Atlas
from server.call_motion import CallMotion
from server.channel import ClientChannel

log = logging.getLogger(__name__)

CHUNK = struct.Struct("<2B H")  # kind, identity, offset
ATLAS_CHUNK = 1
CHUNK_BYTES = 104  # 50 ms of a line of 32 kbit/s: so long the voice may wait behind one, and its buffer grows by no more
CHUNK_EVERY_S = 0.18  # 9 kbit/s: the voice goes on beside it on 32
FIRST_CHUNKS = 18  # before any motion: nothing could be drawn
WAITING_BYTES = 1000  # in the channel: on a worse line, at the line's own pace
PROGRESS_EVERY = 0.1
LOOK_S = 0.05


class MotionLink:
    """rtp_origin: RTP time of the voice at media time 0, None before the voice began: the receiver's clock."""

    def __init__(self, channel: ClientChannel, motion: CallMotion, rtp_origin: Callable[[], int | None]) -> None:
        self._channel, self._motion, self._rtp_origin = channel, motion, rtp_origin
        self._told = 0.0

    async def send(self, begin: Callable[[], None]) -> str:
        """Calls `begin` when the messages may come, and goes on until cancelled; returns a reason where there can be no motion
        stream."""
        try:
            self._tell_progress(0.0)
            atlas = await self._motion.atlas(self._tell_progress)
        except (CapacityError, MotionError) as error:
            log.warning("no motion stream: %s", error)
            atlas = None
        if atlas is None:
            return "busy"
        data = atlas_format.encode(atlas)
        await self._until(lambda: self._rtp_origin() is not None)
        origin = self._rtp_origin()
        self._channel.say("motion", state="sending", atlas=atlas.identity, bytes=len(data), rtp_origin=origin)
        await self._send_atlas(atlas, data, begin)
        await asyncio.Event().wait()
        return ""

    async def _send_atlas(self, atlas: Atlas, data: bytes, begin: Callable[[], None]) -> None:
        for offset in range(0, len(data), CHUNK_BYTES):
            if offset == FIRST_CHUNKS * CHUNK_BYTES:
                begin()
            await self._until(lambda: self._channel.waiting_bytes <= WAITING_BYTES)
            self._channel.send_bytes(CHUNK.pack(ATLAS_CHUNK, atlas.identity, offset) + data[offset : offset + CHUNK_BYTES])
            await asyncio.sleep(CHUNK_EVERY_S)
        if len(data) <= FIRST_CHUNKS * CHUNK_BYTES:
            begin()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if condition():
                return
            await asyncio.sleep(LOOK_S)

    def _tell_progress(self, share: float) -> None:
        if share == 0 or share - self._told >= PROGRESS_EVERY:
            self._told = share
            self._channel.say("motion", state="learning", progress=round(share, 2))
