"""One call: the connection to one client, from its offer to its end."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from realtime.clock import Clock
from server import channel
from server.aiortc_adjustments import rtp_origin
from server.answer import ask_for_recovery, opus_alone
from server.config import Limits
from server.errors import Refusal
from server.ladder import Rung
from server.ladder_link import LadderLink, Listened
from server.metrics import Metrics
from server.names import new_name
from server.offer import bad_offer
from server.picture_codec import codec_of, preferences
from server.trickle import parse_fragment

if TYPE_CHECKING:
    from server.call_trace import CallTrace

log = logging.getLogger(__name__)

STATS_S = 1.0
THIN_STATS_S = 15  # on the rungs that a poor line has: the voice waits behind each
GOODBYE_S = 0.1  # for the last message to leave
NEGOTIATING_S = 5.0  # .local candidates are looked up in the network
CLOSING_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Why a call ended; goodbye: the client may not know it yet."""

    reason: str
    goodbye: bool = False


class SessionMedia(Listened, Protocol):
    """What a call hears, shows and says (`CallMedia`), or what is watched of another (`Watching`)."""

    @property
    def voice(self) -> MediaStreamTrack: ...

    @property
    def picture(self) -> MediaStreamTrack: ...

    def start(self) -> None: ...

    async def listen(self, microphone: MediaStreamTrack | None) -> None: ...

    async def speak(self) -> None: ...

    def figures(self) -> dict[str, Any]: ...

    def count(self) -> None: ...

    def close(self) -> None: ...


class Session:
    """Lives from `answer` to its end, which comes from the client, from `close`, or by itself where nobody is there; then
    `on_closed` is called once. on_connected: media begins to flow; trace: is told of it, where one is wanted."""

    def __init__(
        self,
        *,
        media: SessionMedia,
        limits: Limits,
        clock: Clock,
        metrics: Metrics,
        hello: dict[str, int | str],
        on_closed: Callable[["Session"], None],
    ) -> None:
        self.id, self._clock = new_name(12), clock
        self._media, self._limits, self._metrics, self._on_closed = media, limits, metrics, on_closed
        self.channel = channel.ClientChannel(clock, {"version": channel.VERSION, **hello})
        self.on_connected: Callable[[], None] = lambda: None
        self.trace: CallTrace | None = None
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # none: the default is a public STUN server
        self._ladder = LadderLink(
            channel=self.channel, call=media, clock=clock, senders=self._peer.getSenders, rtp_origin=self._voice_origin
        )
        self._microphone: MediaStreamTrack | None = None
        self._n_candidates = 0
        self._settled = asyncio.Event()  # connected, or over
        self._over = asyncio.Event()
        self._ending = Ending(reason="server_error", goodbye=True)
        self._life: asyncio.Task[None] | None = None
        self._peer.on("track", self._take_track)
        self._peer.on("datachannel", self.channel.take)
        self._peer.on("connectionstatechange", self._follow_state)
        self._reached_s: float | None = None  # when ICE found a way to the client
        self._handshake_s: float | None = None
        self._peer.on("iceconnectionstatechange", self._follow_ice)

    async def answer(self, sdp: str) -> str:
        """The answer to an offer that was checked; from here on the call runs by itself.

        Raises Refusal 400, after which there is no call.
        """
        try:
            async with asyncio.timeout(NEGOTIATING_S):
                await self._negotiate(sdp)
        except BaseException as error:
            await self._clean_up(Ending(reason="bad_offer"))
            if isinstance(error, Exception):  # aiortc: ValueError, InvalidStateError, OperationError, AttributeError, ...
                raise bad_offer("it cannot be negotiated") from error
            raise
        self._n_candidates = sdp.count("\na=candidate:")
        if self.trace is not None:
            self.trace.answered()
        self._life = asyncio.create_task(self._live(), name=f"call {self.id}")
        return ask_for_recovery(self._peer.localDescription.sdp)

    @property
    def etag(self) -> str:
        """Names this call's ICE session."""
        return f'"{_ufrag(self._peer.localDescription.sdp)}"'

    async def add_candidates(self, text: str) -> None:
        """Takes a trickled fragment.

        Raises Refusal 422 for an ICE restart, 400 for what cannot be parsed or is more than anyone needs.
        """
        offer = self._peer.remoteDescription.sdp
        fragment = parse_fragment(text, default_mid=offer.partition("\na=mid:")[2].split()[0])
        if fragment.ufrags - {_ufrag(offer)}:
            raise Refusal(422, "ice_restart", "ICE restarts are not supported: end this call and begin another.")
        self._n_candidates += fragment.n_candidates
        if self._n_candidates > self._limits.candidates:
            raise Refusal(400, "bad_candidates", f"More than {self._limits.candidates} candidates came.")
        for candidate in fragment.candidates:
            await self._peer.addIceCandidate(candidate)

    async def close(self, reason: str, *, goodbye: bool = False) -> None:
        """Ends the call and returns when everything is freed."""
        self._end(Ending(reason=reason, goodbye=goodbye))
        if self._life is not None:
            await asyncio.wait({self._life})

    async def _negotiate(self, sdp: str) -> None:
        self._peer.addTransceiver(self._media.voice, direction="sendrecv").setCodecPreferences(opus_alone())
        if "\nm=video" in sdp:
            transceiver = self._peer.addTransceiver(self._media.picture, direction="sendonly")
            codec = self._media.outlet.codec = codec_of(sdp)
            transceiver.setCodecPreferences(preferences(codec))  # aiortc settles codecs inside setRemoteDescription
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._microphone = track

    def _voice_origin(self) -> int | None:
        return rtp_origin(self._peer.getSenders()[0])

    def _follow_ice(self) -> None:
        if self._reached_s is None and self._peer.iceConnectionState == "completed":
            self._reached_s = self._clock.now()

    def _follow_state(self) -> None:
        if self._peer.connectionState == "connected":
            if self._reached_s is not None and "\nm=application" in self._peer.remoteDescription.sdp:
                self._handshake_s = self._clock.now() - self._reached_s
            self._settled.set()
        elif self._peer.connectionState in ("failed", "closed"):
            self._end(Ending(reason="connection_lost"))

    def _end(self, ending: Ending) -> None:
        if not self._over.is_set():
            self._ending = ending
            self._over.set()
            self._settled.set()

    async def _live(self) -> None:
        try:
            async with asyncio.timeout(self._limits.setup_s):
                await self._settled.wait()
            if not self._over.is_set():
                await self._talk()
        except TimeoutError:
            self._end(Ending(reason="setup_timeout"))
        except Exception:
            log.exception("call %s broke", self.id)
        finally:
            await self._clean_up(self._ending)

    async def _talk(self) -> None:
        self._ladder.begin(self._handshake_s)
        self._media.start()
        self._metrics.started.inc()
        log.info("call %s connected", self.id)
        if self.trace is not None:
            self.trace.connected()
        self.on_connected()
        async with asyncio.TaskGroup() as tasks:
            work = [self._media.listen(self._microphone), self._media.speak(), self._watch(), self._ladder.run()]
            running = [tasks.create_task(task) for task in work]
            await self._over.wait()
            for task in running:
                task.cancel()

    async def _watch(self) -> None:
        """Once a second, on poor lines rarely: figures to the client; a client that says nothing more is gone."""
        for second in itertools.count():
            await asyncio.sleep(STATS_S)
            self._media.count()
            if self._media.outlet.rung <= Rung.SLOW or second % THIN_STATS_S == 0:
                self.channel.say("stats", **self._media.figures())
            if self.channel.silent_s > self._limits.silent_peer_s:
                self._end(Ending(reason="peer_silent", goodbye=True))

    async def _clean_up(self, ending: Ending) -> None:
        if ending.goodbye and self.channel.say("goodbye", reason=ending.reason):
            await asyncio.sleep(GOODBYE_S)
        self._media.close()
        try:
            async with asyncio.timeout(CLOSING_S):
                await self._peer.close()
        except Exception:  # also TimeoutError; the rest must be freed all the same
            log.exception("call %s: the connection does not close", self.id)
        self._metrics.ended.labels(ending.reason).inc()
        if self.trace is not None:
            self.trace.ended(ending.reason)
        log.info("call %s ended: %s", self.id, ending.reason)
        self._on_closed(self)


def _ufrag(sdp: str) -> str:
    return sdp.partition("a=ice-ufrag:")[2].split()[0]
