"""A caller that costs little: a real connection that speaks recorded speech and pings, and looks at what comes undecoded.

Opus packets are encoded once for all callers. What comes is timed where it leaves decryption: a picture is there with its last
packet, and its moment is what the server's own sender reports say of its media time.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import aiohttp
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpSrPacket, RtpPacket
from numpy.typing import NDArray

from realtime.model_spec import FRAME_MS
from server.aiortc_adjustments import NTP_EPOCH_S
from server.bench.lateness import Arrival, Timeline
from server.encoders import AUDIO_RATE_HZ, EncodedPacket, OpusEncoder

PACKET_SAMPLES = AUDIO_RATE_HZ // 50
VIDEO_RATE_HZ = 90_000
PING_S = 1.0
CONNECT_S = 15
REMEMBERED = 200_000 // FRAME_MS  # arrivals: 200 s of pictures


class RefusedError(Exception):
    """The server did not take the call: its status and reason."""


def encode_speech(pcm: NDArray[np.int16]) -> list[bytes]:
    """48 kHz sound [n] as Opus packets of 20 ms."""
    encoder = OpusEncoder()
    starts = range(0, len(pcm) - PACKET_SAMPLES, PACKET_SAMPLES)
    return [bytes(packet) for start in starts for packet in encoder.encode(pcm[start : start + PACKET_SAMPLES], start)]


class SpokenTrack(MediaStreamTrack):
    """Encoded speech over and over, on an absolute schedule; it begins `offset` packets into it."""

    kind = "audio"

    def __init__(self, packets: Sequence[bytes], offset: int) -> None:
        super().__init__()
        self._packets, self._offset = packets, offset
        self._sent, self._began_s = 0, 0.0

    async def recv(self) -> EncodedPacket:
        self._began_s = self._began_s or time.monotonic()
        await asyncio.sleep(max(0.0, self._began_s + self._sent * PACKET_SAMPLES / AUDIO_RATE_HZ - time.monotonic()))
        packet = av.Packet(self._packets[(self._offset + self._sent) % len(self._packets)])
        packet.pts, packet.time_base = self._sent * PACKET_SAMPLES, Fraction(1, AUDIO_RATE_HZ)
        self._sent += 1
        return packet


@dataclass(kw_only=True)
class LightCaller:
    """One call from `async with` to the end of the block. room: that it is a member of; watches: another member, who is watched
    instead of speaking oneself. picture, voice: what came of each."""

    url: str
    http: aiohttp.ClientSession
    portrait: str
    speech: Sequence[bytes]
    offset: int = 0
    room: str = ""
    watches: str = ""
    picture: Timeline = field(default_factory=lambda: Timeline(rate_hz=VIDEO_RATE_HZ, most=REMEMBERED))
    voice: Timeline = field(default_factory=lambda: Timeline(rate_hz=AUDIO_RATE_HZ, most=2 * REMEMBERED))
    delay_ms: float = 0.0
    """What the server says it holds sound and picture back for: under load it may grow."""

    async def __aenter__(self) -> Self:
        """Raises RefusedError, TimeoutError."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connected, self._own_id = asyncio.Event(), asyncio.get_running_loop().create_future()
        self._channel = self.peer.createDataChannel("facewire")
        self._channel.on("message", self._hear)
        self.peer.on("connectionstatechange", self._follow)
        if self.watches:
            self.peer.addTransceiver("audio", direction="recvonly")
        else:
            self.peer.addTransceiver(SpokenTrack(self.speech, self.offset), direction="sendrecv")
        self.peer.addTransceiver("video", direction="recvonly")
        for transceiver in self.peer.getTransceivers():
            _tap(transceiver.receiver, self.picture if transceiver.kind == "video" else self.voice)
        try:
            await self._call()
        except BaseException:
            await self.peer.close()
            raise
        self._pinging = asyncio.create_task(self._ping())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pinging.cancel()
        await self.http.delete(self.location)
        await self.peer.close()

    async def own_id(self) -> str:
        """In the room, by which others watch this one.

        Raises TimeoutError.
        """
        async with asyncio.timeout(CONNECT_S):
            found: str = await self._own_id
        return found

    def vanish(self) -> None:
        """A power cut: nothing more is sent or received, and nobody is told."""
        self._pinging.cancel()
        for transport in {sender.transport.transport for sender in self.peer.getSenders()}:
            for protocol in transport._connection._protocols:
                protocol.transport.abort()

    async def _call(self) -> None:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"Content-Type": "application/sdp"}
        where, params = ("whep", {"member": self.watches}) if self.watches else ("whip", {"portrait": self.portrait})
        params |= {"room": self.room} if self.room else {}
        offer = self.peer.localDescription.sdp
        async with self.http.post(f"{self.url}/{where}", params=params, data=offer, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 201:
                raise RefusedError(f"{answer.status}: {text}")
            self.location = self.url + answer.headers["Location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
        async with asyncio.timeout(CONNECT_S):
            await self._connected.wait()

    def _follow(self) -> None:
        if self.peer.connectionState == "connected":
            self._connected.set()

    def _hear(self, message: str) -> None:
        values: dict[str, Any] = json.loads(message)
        if "delay_ms" in values:  # hello, and then each second
            self.delay_ms = float(values["delay_ms"])
        if values["type"] == "room" and not self._own_id.done():
            self._own_id.set_result(values["you"])

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            if self._channel.readyState == "open":
                self._channel.send('{"type":"ping","t":0}')


def _tap(receiver: Any, timeline: Timeline) -> None:
    """Listens in place of aiortc's receiver: nothing is buffered or decoded."""
    take_rtcp = receiver._handle_rtcp_packet
    video = timeline.rate_hz == VIDEO_RATE_HZ

    async def rtp(packet: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG001
        if packet.payload and (packet.marker or not video):
            timeline.arrived(Arrival(at_s=time.time(), timestamp=packet.timestamp))

    async def rtcp(packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket):
            timeline.report(packet.sender_info.ntp_timestamp / 2**32 - NTP_EPOCH_S, packet.sender_info.rtp_timestamp)
        await take_rtcp(packet)

    receiver._handle_rtp_packet, receiver._handle_rtcp_packet = rtp, rtcp
