"""`facewire bench peers`: from a sound at the microphone to voice and moving picture, of any server that speaks WebRTC.

The caller is aiortc, not a browser: it says bursts of speech and takes the first moment after each at which the returned voice is
loud and the picture leaves its rest. A server that is to be compared needs an adapter: how it takes an offer. Two are here; a
third is a class with `answer` and `hang_up`. Unlike `bench latency`, the caller's own playing and drawing are not in the figures,
and a mouth that opens ahead of its sound shortens them: compare what was measured the same way.
"""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol
from urllib.parse import urljoin

import aiohttp
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from realtime.errors import ConfigError
from server.bench.progress import tell
from server.bench.record import Figures, summary
from server.encoders import AUDIO_RATE_HZ

PACKET_SAMPLES = AUDIO_RATE_HZ // 50
SETTLE_S = 3.0
CONNECT_S = 15.0
QUIET_S = 0.6
WITHIN_S = 2.0  # later than this it is no answer to a burst
LOUD = 0.15  # of the loudest
MOVED = 0.3  # of the largest movement; what a picture moves by itself, as noise, lies below


class Peer(Protocol):
    """A server to be measured: how it is offered a call."""

    async def answer(self, http: aiohttp.ClientSession, offer: str) -> str:
        """SDP offer, candidates included → SDP answer.

        Raises ConfigError where it does not take it.
        """
        ...

    async def hang_up(self, http: aiohttp.ClientSession) -> None: ...


@dataclass(kw_only=True)
class WhipPeer:
    """A server that speaks WHIP (RFC 9725) with media both ways, as this one does. url: with the query that it wants."""

    url: str
    token: str | None = None
    _call: str | None = None

    async def answer(self, http: aiohttp.ClientSession, offer: str) -> str:
        headers = {"Content-Type": "application/sdp", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        async with http.post(self.url, data=offer, headers=headers) as response:
            text = await response.text()
            if response.status != 201:
                raise ConfigError(f"{self.url} answered the offer with {response.status}: {text[:300]}")
            self._call = urljoin(self.url, response.headers["Location"])
            return text

    async def hang_up(self, http: aiohttp.ClientSession) -> None:
        if self._call is not None:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            await http.delete(self._call, headers=headers)


@dataclass(kw_only=True)
class JsonPeer:
    """A server that takes {"type", "sdp"} by POST and answers alike, as aiortc's examples do and what was built on them."""

    url: str

    async def answer(self, http: aiohttp.ClientSession, offer: str) -> str:
        async with http.post(self.url, json={"type": "offer", "sdp": offer}) as response:
            if response.status != 200:
                raise ConfigError(f"{self.url} answered the offer with {response.status}: {(await response.text())[:300]}")
            return str((await response.json(content_type=None))["sdp"])

    async def hang_up(self, http: aiohttp.ClientSession) -> None:
        """The connection's end is the call's."""


class _Bursts(MediaStreamTrack):
    """Sound [n] (48 kHz) over and over, on an absolute schedule. began_s: when its first sample was due."""

    kind = "audio"

    def __init__(self, pcm: NDArray[np.int16]) -> None:
        super().__init__()
        self._pcm, self._sent, self.began_s = pcm, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        self.began_s = self.began_s or time.monotonic()
        await asyncio.sleep(max(0.0, self.began_s + self._sent * PACKET_SAMPLES / AUDIO_RATE_HZ - time.monotonic()))
        part = np.take(self._pcm, np.arange(self._sent * PACKET_SAMPLES, (self._sent + 1) * PACKET_SAMPLES), mode="wrap")
        frame = av.AudioFrame.from_ndarray(part[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, self._sent * PACKET_SAMPLES, Fraction(1, AUDIO_RATE_HZ)
        self._sent += 1
        return frame


@dataclass(kw_only=True)
class Seen:
    """What came back: when on the monotonic clock, and how loud, or the picture's lower half in grey, 32 by 32."""

    voice: list[tuple[float, float]] = field(default_factory=list)
    pictures: list[tuple[float, NDArray[np.float32]]] = field(default_factory=list)

    async def watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.AudioFrame):
                    self.voice.append((time.monotonic(), float(np.abs(frame.to_ndarray().astype(np.float32)).max())))
                elif isinstance(frame, av.VideoFrame):
                    at_s, grey = time.monotonic(), frame.reformat(64, 64, "gray").to_ndarray()
                    self.pictures.append((at_s, grey[32:, 16:48].astype(np.float32)))
        except MediaStreamError:
            return


async def measure(peer: Peer, pcm: NDArray[np.int16], seconds: float) -> Figures:
    """A call with bursts [n] (48 kHz) over and over → delays in ms, of voice and picture.

    Raises ConfigError where the call is not taken, or nothing comes back.
    """
    microphone, seen = _Bursts(pcm), Seen()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    watching: list[asyncio.Task[None]] = []
    connection.on("track", lambda track: watching.append(asyncio.create_task(seen.watch(track))))
    connection.addTransceiver(microphone, direction="sendrecv")
    connection.addTransceiver("video", direction="recvonly")
    async with aiohttp.ClientSession() as http:
        try:
            await connection.setLocalDescription(await connection.createOffer())
            answer = await peer.answer(http, connection.localDescription.sdp)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await _connected(connection)
            tell(f"connected: bursts for {SETTLE_S + seconds:g} s")
            await asyncio.sleep(SETTLE_S + seconds)
            await peer.hang_up(http)
        finally:
            await connection.close()
            await asyncio.gather(*watching, return_exceptions=True)
    return delays(_onsets(pcm, microphone.began_s, SETTLE_S, SETTLE_S + seconds), seen)


def delays(onsets_s: list[float], seen: Seen) -> Figures:
    """When bursts began, on the clock, and what came back → figures.

    Raises ConfigError where no burst came back as voice.
    """
    voice = _after(onsets_s, seen.voice, LOUD)
    moved: list[tuple[float, float]] = []
    if seen.pictures:
        rest = np.median([picture for _, picture in seen.pictures], axis=0)
        moved = [(at_s, float(np.abs(picture - rest).mean())) for at_s, picture in seen.pictures]
    picture = _after(onsets_s, moved, MOVED)
    if not voice:
        raise ConfigError(f"{len(onsets_s)} bursts were said and none came back as voice: does this server return it?")
    return {
        "bursts": len(onsets_s),
        "mic_to_voice_ms": summary(voice),
        "mic_to_mouth_ms": summary(picture) if picture else None,
        "pictures": len(seen.pictures),
    }


def _after(onsets_s: list[float], course: list[tuple[float, float]], share: float) -> list[float]:
    """For each onset, ms until the course first rises above a share of its highest; onsets without such are left out."""
    if not course:
        return []
    at_s, level = (np.array(axis) for axis in zip(*course, strict=True))
    high = level > share * np.percentile(level, 99)
    found = []
    for onset_s in onsets_s:
        after = at_s[high & (at_s > onset_s) & (at_s < onset_s + WITHIN_S)]
        if len(after):
            found.append(1000 * float(after[0] - onset_s))
    return found


def _onsets(pcm: NDArray[np.int16], began_s: float, from_s: float, to_s: float) -> list[float]:
    """When bursts begin on the clock, of sound that is played over and over."""
    level = np.abs(np.tile(pcm, 2).astype(np.int32))
    loud = np.flatnonzero(level > LOUD * level.max()) / AUDIO_RATE_HZ
    period_s = len(pcm) / AUDIO_RATE_HZ
    first = [float(now) for before, now in itertools.pairwise(loud) if now - before > QUIET_S and now < 1.5 * period_s]
    within = {round(onset % period_s, 4) for onset in first}
    played = (n * period_s + at for n in range(int(to_s / period_s) + 1) for at in sorted(within))
    return [began_s + at for at in played if from_s < at < to_s]


async def _connected(connection: Any) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            while connection.connectionState != "connected":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise ConfigError(f"no connection after {CONNECT_S:.0f} s: it is {connection.connectionState}") from None
