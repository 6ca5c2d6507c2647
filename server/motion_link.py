"""One listener's motion stream: asked for on the data channel, its atlas sent in small parts, then the call's messages.

off ──want──▶ learning ──▶ sending (no video, slow voice) ──not wanted──▶ off (video and voice as before)
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import Protocol

from realtime.errors import CapacityError
from realtime.motion import atlas as atlas_format
from realtime.motion.atlas import Atlas
from server.call_motion import CallMotion
from server.channel import ClientChannel
from server.fan_out import Outlet

log = logging.getLogger(__name__)

CHUNK = struct.Struct("<2B H")  # kind, identity, offset
ATLAS_CHUNK = 1
CHUNK_BYTES = 960
CHUNK_EVERY_S = 0.45  # 17 kbit/s: the voice goes on beside it on 32
WAITING_BYTES = 3000  # in the channel: on a worse line, at the line's own pace
PROGRESS_EVERY = 0.1
LOOK_S = 0.05
SETTLE_S = 0.2  # between two changes of mind


class Listened(Protocol):
    """What of a call a listener's motion needs."""

    @property
    def outlet(self) -> Outlet: ...

    @property
    def motion(self) -> CallMotion: ...

    def set_motion(self, send: Callable[[bytes], None] | None) -> None: ...


class MotionLink:
    """rtp_origin: RTP time of the voice at media time 0, None before the voice began: the receiver's clock."""

    def __init__(self, channel: ClientChannel, call: Listened, rtp_origin: Callable[[], int | None]) -> None:
        self._channel, self._call, self._rtp_origin = channel, call, rtp_origin
        self._wanted = False
        self._asked = asyncio.Event()
        self._told = 0.0
        channel.on_motion = self._ask

    async def run(self) -> None:
        """Follows what the client wants, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            sending = asyncio.create_task(self._send()) if self._wanted else None
            try:
                await self._asked.wait()
            finally:
                if sending is not None:
                    sending.cancel()
                    await asyncio.wait({sending})
                    self._call.set_motion(None)
                    self._channel.say("motion", state="off", reason="asked")
            await asyncio.sleep(SETTLE_S)

    def _ask(self, wanted: bool) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._asked.set()

    async def _send(self) -> None:
        try:
            self._tell_progress(0.0)
            atlas = await self._call.motion.atlas(self._tell_progress) if self._channel.has_motion else None
        except CapacityError as error:
            log.warning("no motion stream: %s", error)
            atlas = None
        if atlas is None:
            self._channel.say("motion", state="off", reason="busy" if self._channel.has_motion else "no_channel")
            return
        data = atlas_format.encode(atlas)
        await self._until(lambda: self._rtp_origin() is not None)
        origin = self._rtp_origin()
        self._channel.say("motion", state="sending", atlas=atlas.identity, bytes=len(data), rtp_origin=origin)
        self._call.set_motion(self._channel.send_motion)
        await self._send_atlas(atlas, data)

    async def _send_atlas(self, atlas: Atlas, data: bytes) -> None:
        for offset in range(0, len(data), CHUNK_BYTES):
            await self._until(lambda: self._channel.waiting_bytes <= WAITING_BYTES)
            self._channel.send_bytes(CHUNK.pack(ATLAS_CHUNK, atlas.identity, offset) + data[offset : offset + CHUNK_BYTES])
            await asyncio.sleep(CHUNK_EVERY_S)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if condition():
                return
            await asyncio.sleep(LOOK_S)

    def _tell_progress(self, share: float) -> None:
        if share == 0 or share - self._told >= PROGRESS_EVERY:
            self._told = share
            self._channel.say("motion", state="learning", progress=round(share, 2))
