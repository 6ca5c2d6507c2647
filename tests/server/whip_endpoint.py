"""Another server's WHIP endpoint (RFC 9725), over real WebRTC: what an avatar is pushed to."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray


@dataclass(kw_only=True)
class WhipEndpoint:
    """Takes what is sent to `url` from `async with` to the end of the block. token: what it asks for; refuses: the status of its
    next answers; moved_to: where it sends offers on; names: what it says is to be deleted, instead of a path of its own; slow_s:
    what a deletion takes. shown: the Authorization of each request ("": none); deleted: the sessions that were; pictures, sound:
    what came."""

    token: str = ""
    refuses: list[int] = field(default_factory=list)
    moved_to: str = ""
    names: str = ""
    slow_s: float = 0.0
    shown: list[str] = field(default_factory=list)
    peers: list[RTCPeerConnection] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    sound: list[NDArray[np.int16]] = field(default_factory=list)
    codecs: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/live/avatar", self._take)
        app.router.add_delete("/live/session/{number}", self._delete)
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        for peer in self.peers:
            await peer.close()
        await self._server.close()

    @property
    def origin(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    @property
    def url(self) -> str:
        return f"{self.origin}/live/avatar"

    def forget(self) -> None:
        """What came so far."""
        self.pictures.clear()
        self.sound.clear()

    async def _take(self, request: web.Request) -> web.Response:
        self._note_token(request)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if self.refuses:
            return web.Response(status=self.refuses.pop(0))
        if self.moved_to:
            return web.Response(status=307, headers={"Location": self.moved_to})
        assert request.content_type == "application/sdp"
        sdp = await request.text()
        assert sdp.count("a=sendonly") == 2
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peers.append(peer)
        peer.on("track", lambda track: asyncio.ensure_future(self._receive(track)))
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        location = f"/live/session/{len(self.peers) - 1}"
        headers = {"Location": self.names or location}
        return web.Response(status=201, text=peer.localDescription.sdp, content_type="application/sdp", headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        self._note_token(request)
        number = int(request.match_info["number"])
        await asyncio.sleep(self.slow_s)
        self.deleted.append(number)
        await self.peers[number].close()
        return web.Response()

    def _note_token(self, request: web.Request) -> None:
        self.shown.append(request.headers.get("Authorization", ""))

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures = [*self.pictures[-49:], np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)]
                elif isinstance(frame, AudioFrame):
                    self.sound = [*self.sound[-499:], np.asarray(frame.to_ndarray(), np.int16).ravel()]
        except MediaStreamError:
            return
