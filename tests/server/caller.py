"""A caller without a browser: aiortc against the real server, over loopback."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import aiohttp
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

RATE_HZ = 48_000
PACKET = 960


class Microphone(MediaStreamTrack):
    """Plays a sound (int16, 48 kHz) over and over, on time."""

    kind = "audio"

    def __init__(self, pcm: NDArray[np.int16]) -> None:
        super().__init__()
        self._pcm, self._sent, self._began_s = pcm, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        self._began_s = self._began_s or time.monotonic()
        await asyncio.sleep(max(0, self._began_s + self._sent * PACKET / RATE_HZ - time.monotonic()))
        positions = np.arange(self._sent * PACKET, (self._sent + 1) * PACKET)
        part = np.take(self._pcm, positions, mode="wrap")[None]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._sent * PACKET, Fraction(1, RATE_HZ)
        self._sent += 1
        return frame


@dataclass(kw_only=True)
class Caller:
    """Calls from `async with` to the end of the block. received: (arrival, media time) in seconds of every frame, by kind."""

    base: str
    portrait: str = "eileen-collins"
    pcm: NDArray[np.int16] = field(default_factory=lambda: np.zeros(RATE_HZ, np.int16))
    token: str | None = None
    received: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"audio": [], "video": []})
    messages: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = self.peer.createDataChannel("facewire")
        self.channel.on("message", lambda message: self.messages.append(json.loads(message)))
        self.peer.on("track", lambda track: asyncio.ensure_future(self._receive(track)))
        self.peer.addTransceiver(Microphone(self.pcm), direction="sendrecv")
        self.peer.addTransceiver("video", direction="recvonly")
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
        return await self.http.post(f"{self.base}/whip", params={"portrait": self.portrait}, data=sdp, headers=headers)

    async def call(self) -> str:
        """Offers, answers, waits until connected; returns the call's URL."""
        response = await self.post(await self.offer())
        assert response.status == 201, await response.text()
        await self.peer.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
        async with asyncio.timeout(10):
            while self.peer.connectionState != "connected" or self.channel.readyState != "open":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.base + response.headers["Location"]

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame | av.VideoFrame)
                self.received[track.kind].append((time.monotonic(), float(frame.pts * frame.time_base)))  # type: ignore[operator]
                if isinstance(frame, av.VideoFrame):
                    self.pictures = [*self.pictures[-49:], np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)]
        except MediaStreamError:
            return
