"""What a call hears, shows and says, on one media timeline that begins at `connected`.

track → ingest ─20 ms─┬→ Opus ─────────────────────────────────────→ voice track ──┐ released at anchor + media time + delay,
                      └→ pipeline → (strand: composed, coded) → picture track ─────┘ the voice earlier by LEAD_MS
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from realtime.clock import Clock
from realtime.engine import Engine
from realtime.errors import CapacityError
from realtime.model_spec import FRAME_MS
from realtime.pacing import ReleaseSchedule
from realtime.pipeline import Pipeline, RenderedFrame
from realtime.portrait import Portrait
from server.aiortc_adjustments import RECOVERED
from server.call_motion import CallMotion
from server.concealment import Concealment
from server.encoders import AUDIO_RATE_HZ, EncodedPacket
from server.fan_out import FanOut, SendMotion
from server.frame_stages import FrameStages
from server.ingest import ClockedIngest
from server.ladder import Rung
from server.metrics import Metrics
from server.packet_phase import PacketPhase
from server.picture_rungs import Kind, PictureRungs
from server.processing_time import ProcessingTime
from server.strand import Strand
from server.voices import FAST, LEAD_MS, Voices, next_change_ms

if TYPE_CHECKING:
    from server.call_trace import CallTrace

log = logging.getLogger(__name__)

PACKET_MS = 20
DELAY_STEP_MS = 0.25  # a packet, when the time for drawing changes: 12.5 ms in a second
CATCH_UP_S = 0.001  # between packets that are overdue: what came meanwhile must be able to come in
START_BY_S = 0.02  # before the first sound leaves, the timeline stands
REMEMBERED_FRAMES = 100


class CallMedia:
    """The media of one call, from `open` to `close`. Its methods belong to the event loop; drawing happens on a strand."""

    @classmethod
    async def open(
        cls, *, portrait: Portrait, engine: Engine, pool: Executor, clock: Clock, metrics: Metrics, processing: ProcessingTime
    ) -> Self:
        """Takes a place in the engine.

        Raises CapacityError where there is none.
        """
        schedule = ReleaseSchedule(clock=clock, delay_ms=engine.spec.future_ms + processing.ms)
        stages = FrameStages(metrics)
        join = partial(
            Pipeline,
            portrait,
            engine,
            Strand(pool),
            wanted=lambda index: schedule.judge(index) != "late",
            needed_s=lambda index: schedule.due_s(index * FRAME_MS) - stages.reserve_s,
        )
        pipeline = await asyncio.get_running_loop().run_in_executor(None, join)
        media = cls(pipeline, schedule, portrait.image.shape[0], metrics, stages)
        media.delay_ms = lambda: engine.spec.future_ms + processing.ms
        return media

    def __init__(self, pipeline: Pipeline, schedule: ReleaseSchedule, size: int, metrics: Metrics, stages: FrameStages) -> None:
        self._pipeline, self._schedule, self._metrics, self._stages = pipeline, schedule, metrics, stages
        self._loop = asyncio.get_running_loop()
        self._ingest, self._concealment, self._phase = ClockedIngest(), Concealment(), PacketPhase()
        self._voices, self._pictures = Voices(), PictureRungs(size)
        self._draw_ms: deque[float] = deque(maxlen=REMEMBERED_FRAMES)
        self._counted: dict[str, int] = {}
        self._backlog = 0  # frames that the engine did not take
        self._counted_missing_ms = 0.0
        self._closed = False
        self.out = FanOut(schedule=schedule, pictures=self._pictures)
        self.outlet, self.motion = self.out.open(), CallMotion()
        self.voice, self.picture = self.outlet.voice, self.outlet.picture
        self.voice.on_sent, self.picture.on_sent = stages.voice_sent, stages.picture_sent
        self._packet = 0
        self.delay_ms: Callable[[], float] = lambda: schedule.delay_ms  # what the schedule is to come to
        pipeline.pictured = lambda: bool(self.out.kinds)

    def follow(self, trace: "CallTrace") -> None:
        """Tells it of pictures."""
        self._stages.trace = trace

    def start(self) -> None:
        """Media time 0 is now. Frames made earlier would stay as a standing backlog, so this is the moment of `connected`."""
        self._schedule.start()
        self.out.start(time.time())

    async def listen(self, microphone: MediaStreamTrack | None) -> None:
        """The microphone's packets, as they come, into the timeline; returns where there are no more."""
        if microphone is None:
            return
        try:
            while True:
                frame = await microphone.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))  # type: ignore[union-attr]
                now_s, recovered = self._schedule.clock.now(), frame.opaque == RECOVERED
                if not recovered:
                    self._follow_packets(frame.pts or 0)
                self._ingest.write(frame.pts or 0, np.ascontiguousarray(samples[:, 0]), now_s, recovered=recovered)
                self._stages.arrived(self._ingest.last_wait_s)
        except MediaStreamError:
            return  # the timeline goes on in silence until the connection ends

    async def speak(self) -> None:
        """Every 20 ms on an absolute schedule: one packet of sound, both ways."""
        packet = 0
        while True:
            await asyncio.sleep(max(CATCH_UP_S, self._due_s(packet) - self._schedule.clock.now()))
            if (early_s := self._due_s(packet) - self._schedule.clock.now()) > CATCH_UP_S:  # the beat has moved meanwhile
                await asyncio.sleep(early_s)
            self._schedule.approach(self.delay_ms(), DELAY_STEP_MS)
            pcm = self._concealment.push(self._ingest.read(self._schedule.clock.now()), self._ingest.known)
            for voice, media_ms, encoded in self._voices.push(pcm, packet, self.out.voices(packet * PACKET_MS)):
                self.out.put_voice(voice, media_ms, encoded)
            self._draw(pcm)
            packet += 1
            self._packet = packet

    @property
    def next_voice_change_ms(self) -> float:
        """Where a listener may change between voices: no packet that begins there, or later, has been sent."""
        return next_change_ms(self._packet)

    @property
    def picture_rungs(self) -> Sequence[Rung]:
        """The kinds of pictures that there are."""
        return self._pictures.rungs

    def set_rung(self, rung: Rung, motion: SendMotion | None) -> None:
        """The caller's own outlet: another kind of picture, or none."""
        self.out.set_rung(self.outlet, rung, self.next_voice_change_ms, motion)

    def figures(self) -> dict[str, Any]:
        """What the client is told every second."""
        counts, drawn = self._schedule.counts, sorted(self._draw_ms)
        return {
            "delay_ms": round(self._schedule.delay_ms),
            "media_ms": round(1000 * (self._schedule.clock.now() - self._schedule.anchor_s)),
            "frames": counts.shown,
            "repeated": counts.repeated,
            "dropped": counts.dropped + self._pipeline.left_out + self._backlog,
            "ingest_missing_ms": round(self._ingest.missing_ms),
            "render_ms_p50": round(drawn[len(drawn) // 2], 1) if drawn else 0,
        }

    def count(self) -> None:
        """Brings the server's metrics up to date."""
        counts = asdict(self._schedule.counts)
        engine, network, backlog = self._pipeline.left_out, self.out.unsent, self._backlog
        lost = {"engine": engine, "drawing": counts["dropped"], "backlog": backlog, "network": network}
        counts["dropped"] += engine + backlog
        self._metrics.picture_fates(self._gained(counts), self._gained(lost, "lost "))
        self._metrics.missing_ms.inc(self._ingest.missing_ms - self._counted_missing_ms)
        self._counted_missing_ms = self._ingest.missing_ms

    def close(self) -> None:
        """Ends the tracks, those of who watches too, and leaves the engine."""
        self._closed = True
        self.out.close_all()
        self._pipeline.close()
        self.count()

    def _follow_packets(self, start: int) -> None:
        """Moves the beat to where the microphone's packets come. Nothing has left yet, so nobody hears it."""
        due_s = self._due_s(self._packet)
        reading_s = self._phase.reading_s(start, self._schedule.clock.now(), due_s)
        if reading_s is None or self._schedule.wait_s(-LEAD_MS[FAST]) < START_BY_S:
            return
        self._schedule.anchor_s += reading_s - due_s
        self.out.start(time.time() + self._schedule.anchor_s - self._schedule.clock.now())
        self._ingest.read_next(start, reading_s)

    def _due_s(self, packet: int) -> float:
        return self._schedule.anchor_s + (packet + 1) * PACKET_MS / 1000

    def _gained(self, now: dict[str, int], prefix: str = "") -> dict[str, int]:
        """By how much each count has grown since it was last asked for."""
        gained = {name: value - self._counted.get(prefix + name, 0) for name, value in now.items()}
        self._counted.update({prefix + name: value for name, value in now.items()})
        return gained

    def _draw(self, pcm: NDArray[np.int16]) -> None:
        heard_s = self._schedule.clock.now()
        try:
            for drawn in self._pipeline.push(pcm, AUDIO_RATE_HZ):
                drawn.add_done_callback(partial(self._encode, heard_s))
        except CapacityError:  # the engine is seconds behind
            self._backlog += 1
        self._stages.heard(self._schedule.clock.now() - heard_s)

    def _encode(self, heard_s: float, drawn: "Future[list[RenderedFrame]]") -> None:
        """On the strand: what was drawn, as a packet."""
        if drawn.cancelled() or self._closed:
            return
        if (error := drawn.exception()) is not None:
            log.error("a frame could not be drawn", exc_info=error)
            return
        for frame in drawn.result():
            for message in self.motion.take(frame) if self.out.wants_motion else []:
                self._loop.call_soon_threadsafe(self.out.put_motion, message)
            if not (kinds := self.out.kinds):
                continue
            packets = self._pictures.encode(frame.image, frame.pts_ms, kinds)
            self._loop.call_soon_threadsafe(self._show, frame, packets, self._schedule.clock.now(), heard_s)

    def _show(self, frame: RenderedFrame, packets: dict[Kind, EncodedPacket], encoded_s: float, heard_s: float) -> None:
        pts_ms = frame.pts_ms
        self.out.put_pictures(pts_ms, packets)
        self._stages.encoded(frame, heard_s, encoded_s)
        draw_ms = 1000 * (self._schedule.clock.now() - heard_s)
        self._draw_ms.append(draw_ms)
        self._metrics.draw_ms.observe(draw_ms)
        self._metrics.margin_ms.observe(1000 * self._schedule.wait_s(pts_ms))
