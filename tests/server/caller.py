"""A caller without a browser: aiortc against the real server, over loopback."""

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
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpSrPacket, RtpPacket
from numpy.typing import NDArray

from server.aiortc_adjustments import NTP_EPOCH_S

RATE_HZ = 48_000
PACKET = 960
CONNECTED_S = 10


class Microphone(MediaStreamTrack):
    """Plays a sound (int16, 48 kHz) over and over, on time; nothing at all where it is empty."""

    kind = "audio"

    def __init__(self, pcm: NDArray[np.int16]) -> None:
        super().__init__()
        self._pcm, self._sent, self._began_s = pcm, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        if not len(self._pcm):
            await asyncio.Event().wait()
        self._began_s = self._began_s or time.monotonic()
        await asyncio.sleep(max(0, self._began_s + self._sent * PACKET / RATE_HZ - time.monotonic()))
        positions = np.arange(self._sent * PACKET, (self._sent + 1) * PACKET)
        part = np.take(self._pcm, positions, mode="wrap")[None]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._sent * PACKET, Fraction(1, RATE_HZ)
        self._sent += 1
        return frame


@dataclass(kw_only=True)
class Wire:
    """What came over one stream. packets: (arrival on the wall clock in s, RTP time); reports: (wall clock in s, RTP time)."""

    packets: list[tuple[float, int]] = field(default_factory=list)
    reports: list[tuple[float, int]] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    def tap(self, receiver: Any) -> None:
        """Listens between the network and aiortc's receiver."""
        take_rtp, take_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet

        async def rtp(packet: RtpPacket, arrival_time_ms: int) -> None:
            self.packets.append((time.time(), packet.timestamp))
            self.began.set()
            await take_rtp(packet, arrival_time_ms)

        async def rtcp(packet: Any) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self.reports.append((info.ntp_timestamp / 2**32 - NTP_EPOCH_S, info.rtp_timestamp))
            await take_rtcp(packet)

        receiver._handle_rtp_packet, receiver._handle_rtcp_packet = rtp, rtcp


@dataclass(kw_only=True)
class Caller:
    """Calls from `async with` to the end of the block. wire: what came over the network, by kind; received: (arrival, media time)
    in seconds of every decoded frame, by kind; sound: the decoded voice. room: joined as `name`; watches: the member of it who is
    watched instead, without a microphone."""

    base: str
    portrait: str = "eileen-collins"
    room: str | None = None
    name: str = ""
    watches: str | None = None
    pcm: NDArray[np.int16] = field(default_factory=lambda: np.zeros(RATE_HZ, np.int16))
    token: str | None = None
    wants_channel: bool = True
    received: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"audio": [], "video": []})
    wire: dict[str, Wire] = field(default_factory=lambda: {"audio": Wire(), "video": Wire()})
    sound: list[NDArray[np.int16]] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    wants_motion: bool = False
    atlas_parts: list[bytes] = field(default_factory=list)
    motion: list[tuple[float, bytes]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if self.wants_channel:
            self.channel = self.peer.createDataChannel("facewire")
            self.channel.on("message", self._hear)
            self.channel.on("open", self._follow)
        if self.wants_motion:
            lossy = self.peer.createDataChannel("facewire-motion", ordered=False, maxRetransmits=0)
            lossy.on("message", lambda message: self.motion.append((time.monotonic(), message)))
        self.peer.on("connectionstatechange", self._follow)
        self.peer.on("track", lambda track: asyncio.ensure_future(self._receive(track)))
        if self.watches is None:
            self.peer.addTransceiver(Microphone(self.pcm), direction="sendrecv")
        else:
            self.peer.addTransceiver("audio", direction="recvonly")
        self.peer.addTransceiver("video", direction="recvonly")
        for transceiver in self.peer.getTransceivers():
            self.wire[transceiver.kind].tap(transceiver.receiver)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.peer.close()
        await self.http.close()

    async def offer(self) -> str:
        """This caller's SDP offer, candidates included."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def post(self, sdp: str) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "application/sdp"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        where, params = ("whip", {"portrait": self.portrait}) if self.watches is None else ("whep", {"member": self.watches})
        if self.room is not None:
            params |= {"room": self.room, "name": self.name}
        return await self.http.post(f"{self.base}/{where}", params=params, data=sdp, headers=headers)

    async def call(self, offer: str | None = None, trickled: Sequence[str] = ()) -> str:
        """Offers, answers, trickles candidates, waits until connected; returns the call's URL."""
        response = await self.post(offer or await self.offer())
        assert response.status == 201, await response.text()
        url = self.base + response.headers["Location"]
        if trickled:
            headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": response.headers["ETag"]}
            patched = await self.http.patch(url, data="\r\n".join(trickled), headers=headers)
            assert patched.status == 204, await patched.text()
        await self.peer.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
        async with asyncio.timeout(CONNECTED_S):
            await self.connected.wait()
        return url

    def ping(self, t: int) -> None:
        """Keeps the call alive."""
        self.channel.send(json.dumps({"type": "ping", "t": t}))

    def say(self, **message: Any) -> None:
        self.channel.send(json.dumps(message))

    async def told(self, kind: str, **values: Any) -> dict[str, Any]:
        """The first message of that type with those values, as soon as it is there."""
        async with asyncio.timeout(CONNECTED_S):
            while True:
                for message in self.messages:
                    if message["type"] == kind and message.items() >= values.items():
                        return message
                await asyncio.sleep(0.02)

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.atlas_parts.append(message)
        else:
            self.messages.append(json.loads(message))

    def _follow(self) -> None:
        """Connected is the peer, and the channel where one is wanted."""
        if self.peer.connectionState == "connected" and (not self.wants_channel or self.channel.readyState == "open"):
            self.connected.set()

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame | av.VideoFrame)
                self.received[track.kind].append((time.monotonic(), float(frame.pts * frame.time_base)))  # type: ignore[operator]
                if isinstance(frame, av.VideoFrame):
                    self.pictures = [*self.pictures[-49:], np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)]
                else:
                    self.sound.append(np.asarray(frame.to_ndarray(), np.int16).reshape(-1, len(frame.layout.channels))[:, 0])
        except MediaStreamError:
            return
