"""One avatar on its way to another server: connected over WHIP, adapted to the line by a ladder of its own, connected again where
it is lost, until it is ended, the call is over, or the other server refuses or stays away."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Iterator
from enum import StrEnum

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from realtime.clock import Clock
from server.aiortc_adjustments import rtp_origin
from server.answer import opus_alone
from server.call_media import CallMedia
from server.channel import ClientChannel
from server.ladder_link import LadderLink
from server.names import new_name
from server.picture_codec import codec_of, preferences
from server.push_signalling import Accepted, PushError, PushSignalling
from server.watching import Watching

log = logging.getLogger(__name__)

CONNECTED_S = 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
GIVEN_UP_AFTER_S = 120.0  # without a connection


class PushState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


class Push:
    """Lives from construction to `close`, or to the last of its tries. state, reason: why it waits or is over, a sentence, or "".
    connections: how often it was connected."""

    def __init__(self, call: CallMedia, signalling: PushSignalling, clock: Clock) -> None:
        self.id = new_name(9)
        self.state, self.reason, self.connections = PushState.CONNECTING, "", 0
        self.call = call
        self._signalling, self._clock = signalling, clock
        self._leaving: asyncio.Task[None] | None = None
        self._life = asyncio.create_task(self._live(), name=f"push {self.id}")

    def described(self) -> dict[str, str | int]:
        """What a client is told of it."""
        return {"id": self.id, "state": self.state.value, "reason": self.reason, "connections": self.connections}

    @property
    def is_over(self) -> bool:
        """It will not be tried again, and holds nothing."""
        return self.state in (PushState.REFUSED, PushState.GIVEN_UP)

    async def close(self) -> None:
        """Ends it; the other server is told."""
        self._life.cancel()
        await asyncio.wait({self._life})
        if self._leaving is not None:
            await asyncio.wait({self._leaving})

    async def _live(self) -> None:
        waits, away_since_s = _waits_s(), self._clock.now()
        while True:
            self.state, before = PushState.CONNECTING, self.connections
            try:
                await self._connect_and_send()
                self.reason = "The connection was lost."
            except PushError as error:
                self.reason = str(error)
                if error.lasting:
                    return self._rest(PushState.REFUSED)
            except Exception:
                log.exception("push %s broke", self.id)
                self.reason = "The server met a problem; its log says more."
                return self._rest(PushState.REFUSED)
            if self.connections > before:
                waits, away_since_s = _waits_s(), self._clock.now()
            if self._clock.now() - away_since_s > GIVEN_UP_AFTER_S:
                return self._rest(PushState.GIVEN_UP)
            self.state = PushState.WAITING
            log.info("push %s: %s", self.id, self.reason)
            await asyncio.sleep(next(waits))

    def _rest(self, state: PushState) -> None:
        self.state = state
        log.warning("push %s is %s: %s", self.id, state, self.reason)

    async def _connect_and_send(self) -> None:
        """Returns once the connection is lost.

        Raises PushError.
        """
        media = Watching(self.call)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        accepted: Accepted | None = None
        try:
            await self._offer(peer, media)
            accepted = await self._signalling.offer(peer.localDescription.sdp)
            await self._take(peer, media, accepted.answer)
            await self._send(peer, media)
        finally:
            media.close()
            self._leaving = asyncio.create_task(self._leave(peer, accepted))
            await asyncio.shield(self._leaving)  # `close` waits for it, whatever ends this

    async def _offer(self, peer: RTCPeerConnection, media: Watching) -> None:
        peer.addTransceiver(media.voice, direction="sendonly").setCodecPreferences(opus_alone())
        peer.addTransceiver(media.picture, direction="sendonly")
        await peer.setLocalDescription(await peer.createOffer())

    async def _take(self, peer: RTCPeerConnection, media: Watching, answer: str) -> None:
        """Pictures go in the codec that the answer puts first."""
        over = asyncio.Event()
        peer.on("connectionstatechange", over.set)
        try:
            media.outlet.codec = codec_of(answer)
            peer.getTransceivers()[1].setCodecPreferences(preferences(media.outlet.codec))
            async with asyncio.timeout(CONNECTED_S):
                await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
                while peer.connectionState not in ("connected", "failed", "closed"):
                    over.clear()
                    await over.wait()
        except TimeoutError as error:
            raise PushError("no way was found to the other server's media") from error
        except Exception as error:  # aiortc: ValueError, InvalidStateError, AttributeError, AssertionError, ...
            raise PushError("the other server's answer cannot be used", lasting=True) from error
        if peer.connectionState != "connected":
            raise PushError("no way was found to the other server's media")

    async def _send(self, peer: RTCPeerConnection, media: Watching) -> None:
        self.state, self.reason = PushState.LIVE, ""
        self.connections += 1
        log.info("push %s connected", self.id)
        ladder = LadderLink(
            channel=ClientChannel(self._clock, {}),  # never opened: receiver reports and REMB alone tell of the line
            call=media,
            clock=self._clock,
            senders=peer.getSenders,
            rtp_origin=lambda: rtp_origin(peer.getSenders()[0]),
        )
        changed = asyncio.Event()
        peer.on("connectionstatechange", changed.set)
        media.start()
        following = asyncio.create_task(ladder.run(), name=f"ladder of push {self.id}")
        try:
            while peer.connectionState == "connected":
                changed.clear()
                await changed.wait()
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _leave(self, peer: RTCPeerConnection, accepted: Accepted | None) -> None:
        if accepted is not None and accepted.resource is not None:
            await self._signalling.end(accepted.resource)
        with contextlib.suppress(Exception):  # aiortc: it has failed already, and the rest must be freed
            await peer.close()


def _waits_s() -> Iterator[float]:
    """Between two attempts: doubling, up to half a minute."""
    return (min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt) for attempt in itertools.count())
