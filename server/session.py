"""One call: a microphone comes in, the portrait and its delayed voice go out, on one media timeline.

track → ingest ─20 ms─┬→ Opus ─────────────────────────────────────→ voice track ──┐ released together at
                      └→ pipeline → (pool: composed, VP8) ─→ picture track ────────┘ anchor + media time + delay
"""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from realtime.clock import Clock
from realtime.errors import CapacityError
from realtime.pacing import ReleaseSchedule
from realtime.pipeline import Pipeline, RenderedFrame
from server import channel
from server.config import ServerConfig
from server.encoders import AUDIO_RATE_HZ, OpusEncoder, Vp8Encoder
from server.errors import Refusal
from server.ingest import ClockedIngest
from server.metrics import Metrics
from server.offer import bad_offer
from server.tracks import ReleasedTrack

log = logging.getLogger(__name__)

PACKET_MS = 20
STATS_S = 1.0
GOODBYE_S = 0.1  # for the last message to leave


class Session:
    """Lives from `answer` to `close`; `on_closed` is called once. A session that nobody stands behind closes itself."""

    def __init__(
        self,
        *,
        config: ServerConfig,
        pipeline: Pipeline,
        future_ms: int,
        pool: Executor,
        clock: Clock,
        metrics: Metrics,
        on_closed: Callable[["Session"], None],
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.etag = ""
        self._config, self._pipeline, self._clock, self._metrics = config, pipeline, clock, metrics
        self._future_ms = future_ms
        self.delay_ms = future_ms + config.processing_ms
        self._pool, self._on_closed = pool, on_closed
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._voice, self._picture = ReleasedTrack("audio"), ReleasedTrack("video")
        self._opus, self._vp8 = OpusEncoder(), Vp8Encoder(config.size)
        self._picture.on_keyframe_request = self._vp8.request_keyframe
        self._picture.on_bitrate = self._vp8.limit
        self._encoding = threading.Lock()
        self._ingest = ClockedIngest()
        self._schedule: ReleaseSchedule | None = None
        self._microphone: MediaStreamTrack | None = None
        self._channel: RTCDataChannel | None = None
        self._heard_s: float | None = None  # when the client's last ping came
        self._connected = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._draw_ms: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._peer.on("track", self._take_track)
        self._peer.on("datachannel", self._take_channel)
        self._peer.on("connectionstatechange", self._follow_state)

    async def answer(self, sdp: str) -> str:
        """The answer to an SDP offer that was checked; from here on the call runs by itself.

        Raises Refusal 400.
        """
        try:
            self._peer.addTransceiver(self._voice, direction="sendrecv")
            if "\nm=video" in sdp:
                transceiver = self._peer.addTransceiver(self._picture, direction="sendonly")
                codecs = RTCRtpSender.getCapabilities("video").codecs
                # aiortc settles codecs inside setRemoteDescription: preferences come first
                transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/VP8", "video/rtx")])
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except Exception as error:  # aiortc: ValueError, InvalidStateError, OperationError, AttributeError, KeyError, ...
            await self.close("bad_offer")
            raise bad_offer("it cannot be negotiated") from error
        self._start(self._run())
        answer = self._peer.localDescription.sdp
        self.etag = f'"{answer.split("a=ice-ufrag:")[1].split()[0]}"'
        return str(answer)

    async def add_candidates(self, fragment: str) -> None:
        """Trickled candidates (RFC 8840, section 9).

        Raises Refusal 422 for an ICE restart, 400 for what cannot be parsed or is more than anyone needs.
        """
        lines = fragment.splitlines()
        candidates = [line for line in lines if line.startswith("a=candidate:")]
        if len(candidates) > self._config.limits.candidates:
            raise Refusal(400, "bad_candidates", f"More than {self._config.limits.candidates} candidates came at once.")
        own = self._peer.remoteDescription.sdp.split("a=ice-ufrag:")[1].split()[0]
        if any(line.startswith("a=ice-ufrag:") and line[12:].strip() != own for line in lines):
            raise Refusal(422, "ice_restart", "ICE restarts are not supported: end this call and begin another.")
        mid = next((line[6:].strip() for line in lines if line.startswith("a=mid:")), "0")
        try:
            for line in candidates:
                candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                candidate.sdpMid = mid
                if candidate.protocol.lower() == "udp":
                    await self._peer.addIceCandidate(candidate)
        except (ValueError, AssertionError, IndexError) as error:
            raise Refusal(400, "bad_candidates", "A candidate cannot be parsed.") from error

    async def close(self, reason: str, *, goodbye: bool = False) -> None:
        """Ends the call and frees everything; a client that is told why can say so."""
        if self._closed:
            return
        self._closed = True
        if goodbye and self._say("goodbye", reason=reason):
            await asyncio.sleep(GOODBYE_S)
        self._voice.end()
        self._picture.end()
        await self._loop.run_in_executor(None, self._pipeline.close)
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        await self._peer.close()
        self._metrics.ended.labels(reason).inc()
        log.info("session %s closed: %s", self.id, reason)
        self._on_closed(self)

    # --- what aiortc tells -----------------------------------------------------------------------------------------------------

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._microphone = track

    def _take_channel(self, opened: RTCDataChannel) -> None:
        if opened.label != channel.LABEL or self._channel is not None:
            return
        self._channel = opened
        opened.on("message", self._take_message)
        size, future_ms = self._config.size, self._future_ms
        self._say("hello", version=channel.VERSION, future_audio_ms=future_ms, delay_ms=self.delay_ms, fps=25, size=size)

    def _take_message(self, message: str | bytes) -> None:
        values = channel.parse(message)
        if values is not None:
            self._heard_s = self._clock.now()
            self._say("pong", t=values["t"])

    def _say(self, kind: str, **values: Any) -> bool:
        """Sends a message where the channel is open; whether it was."""
        if self._channel is None or self._channel.readyState != "open":
            return False
        self._channel.send(channel.encode(kind, **values))
        return True

    def _follow_state(self) -> None:
        state = self._peer.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self._start(self.close("connection_lost"))

    # --- what runs -------------------------------------------------------------------------------------------------------------

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("session %s", self.id, exc_info=error)
            if not self._closed:
                self._start(self.close("server_error", goodbye=True))

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._config.limits.setup_s):
                await self._connected.wait()
        except TimeoutError:
            await self.close("setup_timeout")
            return
        anchor_s = self._clock.now()  # at `connected`: frames made earlier would stay as a standing backlog
        self._schedule = ReleaseSchedule(clock=self._clock, delay_ms=self.delay_ms, anchor_s=anchor_s)
        wall_s = time.time()
        self._voice.start(self._schedule, wall_s)
        self._picture.start(self._schedule, wall_s)
        self._metrics.started.inc()
        log.info("session %s connected", self.id)
        self._start(self._listen())
        self._start(self._watch())
        await self._speak(anchor_s)

    async def _listen(self) -> None:
        """The microphone's packets, as they come, into the timeline."""
        if self._microphone is None:
            return
        try:
            while True:
                frame = await self._microphone.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))  # type: ignore[union-attr]
                self._ingest.write(frame.pts or 0, np.ascontiguousarray(samples[:, 0]))
        except MediaStreamError:
            return  # the timeline goes on in silence until the connection ends

    async def _speak(self, anchor_s: float) -> None:
        """Every 20 ms on an absolute schedule: one block of sound into both ways."""
        block = 0
        missing_ms = 0.0
        while not self._closed:
            wait_s = anchor_s + (block + 1) * PACKET_MS / 1000 - self._clock.now()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            pcm = self._ingest.read()
            for packet in self._opus.encode(pcm, block * AUDIO_RATE_HZ * PACKET_MS // 1000):
                self._voice.put(block * PACKET_MS, packet)
            heard_s = self._clock.now()
            try:
                for future in self._pipeline.push(pcm, AUDIO_RATE_HZ):
                    future.add_done_callback(lambda done, since=heard_s: self._send_drawn(done, since))  # type: ignore[misc]
            except CapacityError:
                self._metrics.frames.labels("dropped").inc()
            self._metrics.missing_ms.inc(self._ingest.missing_ms - missing_ms)
            missing_ms = self._ingest.missing_ms
            block += 1

    def _send_drawn(self, done: "Future[list[RenderedFrame]]", heard_s: float) -> None:
        """On the pool: encodes what was drawn and hands it to the picture track."""
        if done.cancelled() or self._closed or self._schedule is None:
            return
        if (error := done.exception()) is not None:
            log.error("session %s: a frame failed", self.id, exc_info=error)
            return
        with self._encoding:
            for frame in done.result():
                if self._schedule.judge(frame.index) == "late":
                    self._metrics.frames.labels("dropped").inc()
                    continue
                packet = self._vp8.encode(frame.image, frame.pts_ms)
                self._loop.call_soon_threadsafe(self._picture.put, frame.pts_ms, packet)
                draw_ms = 1000 * (self._clock.now() - heard_s)
                self._draw_ms = [*self._draw_ms[-99:], draw_ms]
                self._metrics.draw_ms.observe(draw_ms)
                self._metrics.margin_ms.observe(1000 * self._schedule.wait_s(frame.pts_ms))
                self._metrics.frames.labels("shown").inc()

    async def _watch(self) -> None:
        """Once a second: figures to the client; a client that says nothing more is gone."""
        repeated = 0
        while not self._closed:
            await asyncio.sleep(STATS_S)
            counts = self._schedule.counts if self._schedule else None
            if counts is None:
                continue
            self._metrics.frames.labels("repeated").inc(counts.repeated - repeated)
            repeated = counts.repeated
            if self._heard_s is not None and self._clock.now() - self._heard_s > self._config.limits.silent_peer_s:
                await self.close("peer_silent")
                return
            drawn = sorted(self._draw_ms)
            self._say(
                "stats",
                media_ms=round(1000 * (self._clock.now() - self._schedule.anchor_s)) if self._schedule else 0,
                frames=counts.shown,
                repeated=counts.repeated,
                dropped=counts.dropped,
                ingest_missing_ms=round(self._ingest.missing_ms),
                render_ms_p50=round(drawn[len(drawn) // 2], 1) if drawn else 0,
            )
