"""One listener's ladder at work: what is known of their line goes in, the rung comes out, and everything that follows from it.

While the motion stream is got ready there is only the voice, where the line asked for it; where the listener did, pictures go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiortc import RTCRtpSender

from realtime.clock import Clock
from realtime.errors import CapacityError, MotionError
from server.call_motion import CallMotion
from server.channel import PAIR_BYTES, SMALL_PAIR_BYTES, ClientChannel, LineReport
from server.fan_out import Outlet, SendMotion
from server.first_rung import FirstRung
from server.ladder import BLOCKED_LOSS, RUNGS, Ladder, Mode, Rung
from server.line import Line, Reading
from server.motion_link import MotionLink
from server.repeats import Repeats

log = logging.getLogger(__name__)

LOOK_S = 0.5
SETTLE_S = 0.2  # between two changes of mind
PAIR_S = 6.0  # between two packet pairs
ASKED_PAIR_S = 1.0  # where one more would tell whether copies of pictures can be sent
THIN_BPS, THIN_PAIR_S = 100_000, 20.0  # a line of less: small pairs, and rarely; the voice waits behind each
PAIR_HEADERS = 93  # bytes: IP, UDP, DTLS and SCTP
REFUSED_S = 10.0  # the server had no room to learn a face, and was waited for (motion_atlases.py): asked again after so long


class Listened(Protocol):
    """What of a call, or of a watched one, a listener's ladder needs."""

    @property
    def outlet(self) -> Outlet: ...

    @property
    def motion(self) -> CallMotion: ...

    @property
    def picture_rungs(self) -> Sequence[Rung]: ...

    def set_rung(self, rung: Rung, motion: SendMotion | None) -> None: ...


class LadderLink:
    """senders: of the connection, the voice's first; rtp_origin: RTP time of the voice at media time 0, None before it began."""

    def __init__(
        self,
        *,
        channel: ClientChannel,
        call: Listened,
        clock: Clock,
        senders: Callable[[], Sequence[RTCRtpSender]],
        rtp_origin: Callable[[], int | None],
    ) -> None:
        self._channel, self._call, self._clock, self._senders = channel, call, clock, senders
        self._ladder, self._line, self._first = Ladder(), Line(since_s=clock.now()), FirstRung()
        self._repeats = Repeats()
        self._mode = Mode.AUTO
        self._asked = asyncio.Event()
        self._motion = MotionLink(channel, call.motion, rtp_origin)
        self._sending: asyncio.Task[str] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._shown: tuple[Rung, Mode] | None = None
        self._aim = Rung.FULL
        self._no_motion_until_s = float("-inf")
        self._paired_s, self._pair_bytes = 0.0, PAIR_BYTES
        self._heard: dict[str, object] = {}  # receiver reports that were taken, by stream
        channel.on_mode, channel.on_line, channel.on_motion = self._ask, self._tell, self._begin_pairs
        call.outlet.on_estimate = lambda bps: self._line.estimate(clock.now(), bps)
        call.outlet.on_blocked = lambda: self._line.report(clock.now(), loss=BLOCKED_LOSS)

    def begin(self, handshake_s: float | None) -> None:
        """Before anything is sent. handshake_s: what DTLS took; None where nothing is to follow from it."""
        self._first.begin(handshake_s, self._clock.now())
        if self._first.is_awaited:
            log.info("a handshake of %.2f s: the voice alone until more is known of the line", handshake_s)
            self._ladder.rung = self._aim = Rung.VOICE
            self._show(Rung.VOICE)

    async def run(self) -> None:
        """Follows the line and what the client wants, until cancelled."""
        self._line.since_s = self._clock.now()
        try:
            while True:
                await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._asked.wait()
                    await asyncio.sleep(0 if self._first.is_awaited else SETTLE_S)
                self._asked.clear()
        finally:
            await self._end(self._sending, self._learning)

    def _ask(self, mode: Mode) -> None:
        if mode != self._mode:
            self._mode = mode
            self._call.outlet.paused = mode == Mode.PAUSE
            self._asked.set()

    def _tell(self, report: LineReport) -> None:
        self._line.tell(self._clock.now(), loss=report.loss, round_trip_ms=report.round_trip_ms)
        if report.pair_ms is not None:
            self._line.pair(report.pair_ms, self._pair_bytes + PAIR_HEADERS)
            if self._first.is_awaited:
                self._asked.set()

    def _begin_pairs(self) -> None:
        """The motion channel is open."""
        self._first.opened(self._clock.now())
        if self._first.is_awaited:
            self._channel.send_pair(self._pair_bytes)

    async def _look(self) -> None:
        await self._hear_reports()
        if self._channel.is_open and self._line.is_new:
            self._line.hear(self._clock.now())
        self._note_refusal()
        now_s = self._clock.now()
        reading = self._line.reading(now_s)
        rung = self._judge(reading, now_s)
        if rung != self._aim:
            log.info("the ladder goes from %s to %s: %s", self._aim.name, rung.name, reading)
            self._aim = rung
            await self._go(rung)
        if rung >= Rung.SLOW and self._mode == Mode.AUTO and not self._first.is_awaited:
            self._learn_ahead()
        self._repeat(reading, now_s)
        self._tell_rung()
        self._send_pair(reading, now_s)

    def _judge(self, reading: Reading, now_s: float) -> Rung:
        rungs = self._rungs()
        if self._mode == Mode.PAUSE:
            return Rung.VOICE  # and the ladder stays where it was, for later
        if self._first.is_awaited and self._mode == Mode.AUTO:
            if (first := self._first.judge(reading.capacity_bps, rungs, now_s)) is None:
                return Rung.VOICE
            self._ladder.rung = first
        return self._ladder.judge(reading, rungs, now_s)

    def _rungs(self) -> list[Rung]:
        """Those that this listener may have now."""
        if self._mode == Mode.MOTION and not self._channel.has_motion:
            self._give_up("no_channel")
        has_motion = self._channel.has_motion and self._clock.now() >= self._no_motion_until_s
        there = {*self._call.picture_rungs, Rung.VOICE, *([Rung.MOTION] if has_motion or self._mode == Mode.MOTION else [])}
        return [rung for rung in RUNGS[self._mode] if rung in there]

    async def _go(self, rung: Rung) -> None:
        if self._sending is not None:
            await self._end(self._sending)
            self._sending = None
            self._channel.say("motion", state="off", reason="asked" if self._mode != Mode.AUTO else "line")
        if rung != Rung.MOTION:
            self._show(rung)
            return
        if self._mode == Mode.AUTO:
            self._show(Rung.VOICE)
        self._sending = asyncio.create_task(self._motion.send(lambda: self._show(Rung.MOTION)))

    def _show(self, rung: Rung) -> None:
        if rung > Rung.SLOW and self._call.outlet.rung <= Rung.SLOW:
            self._line.forget_pairs()
        if rung > Rung.SLOW:
            self._line.forget_estimate()
        self._call.set_rung(rung, self._channel.send_motion if rung == Rung.MOTION else None)

    def _tell_rung(self) -> None:
        """The client hears of each change, and of the first rung."""
        now = self._call.outlet.rung, self._mode
        if now != self._shown and self._channel.say("rung", rung=now[0].name.lower(), mode=now[1].value):
            self._shown = now

    def _note_refusal(self) -> None:
        if self._sending is not None and self._sending.done():
            reason, self._sending = self._sending.result(), None
            self._no_motion_until_s = self._clock.now() + REFUSED_S
            self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        """There is no motion stream for this listener: the ladder chooses among the rest."""
        self._channel.say("motion", state="off", reason=reason)
        self._mode = Mode.AUTO if self._mode == Mode.MOTION else self._mode

    def _repeat(self, reading: Reading, now_s: float) -> None:
        picture, before = self._call.outlet.picture, self._call.outlet.picture.repeats
        if self._call.outlet.rung <= Rung.HALF:
            self._repeats.judge(reading, now_s)
        else:
            self._repeats.rest()
        picture.repeats = self._repeats.on
        if picture.repeats != before:
            log.info("pictures are sent %s: %s", "three times" if picture.repeats else "once", reading)

    def _send_pair(self, reading: Reading, now_s: float) -> None:
        """Without pictures the browser estimates nothing, and a busy one estimates wrongly: how far two packets come apart tells
        of room."""
        capacity_bps = self._line.latest_pair_bps
        thin = capacity_bps is not None and capacity_bps < THIN_BPS
        apart_s = THIN_PAIR_S if thin and self._call.outlet.rung > Rung.SLOW else PAIR_S
        if self._call.outlet.rung <= Rung.HALF and self._repeats.asks_for_pairs(reading, now_s):
            apart_s = ASKED_PAIR_S
        if self._mode == Mode.AUTO and (now_s - self._paired_s >= apart_s or self._first.is_awaited):
            self._paired_s, self._pair_bytes = now_s, SMALL_PAIR_BYTES if thin else PAIR_BYTES
            self._channel.send_pair(self._pair_bytes)

    def _learn_ahead(self) -> None:
        if self._learning is None:
            self._learning = asyncio.create_task(self._learn())

    async def _learn(self) -> None:
        with contextlib.suppress(CapacityError, MotionError):  # asked for again when it is needed
            await self._call.motion.atlas(lambda _: None)

    async def _hear_reports(self) -> None:
        """And what is sent, by the same statistics."""
        for sender in self._senders():
            for entry in (await sender.getStats()).values():
                if entry.type == "outbound-rtp" and entry.kind == "video" and self._call.outlet.rung <= Rung.SLOW:
                    self._line.send(self._clock.now(), entry.bytesSent)
                if entry.type == "remote-inbound-rtp" and self._heard.get(entry.id) != entry.timestamp:
                    self._heard[entry.id] = entry.timestamp
                    self._line.report(self._clock.now(), loss=entry.fractionLost / 256)

    @staticmethod
    async def _end(*tasks: "asyncio.Task[Any] | None") -> None:
        running = {task for task in tasks if task is not None}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
