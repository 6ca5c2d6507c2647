"""The engine, the portraits and the calls of one process."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from realtime.clock import Clock, MonotonicClock
from realtime.engine import BATCHES, Engine
from realtime.errors import CapacityError
from realtime.model_spec import FRAME_MS
from realtime.pipeline import Pipeline
from realtime.portrait import Portrait
from realtime.priority import yield_to_sound
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.call_media import CallMedia
from server.config import ServerConfig
from server.encoders import AUDIO_RATE_HZ, Vp8Encoder
from server.errors import Refusal, full, overloaded, starting, stopping
from server.headroom import Headroom, Load, usable_cores
from server.memory import GIVE_BACK_S, collect, give_back
from server.metrics import Metrics
from server.motion_atlases import MotionAtlases
from server.offer import check_offer
from server.portraits import Portraits
from server.processing_time import ProcessingTime
from server.pushes import Pushes
from server.rooms import Member, Room, Rooms
from server.session import Session
from server.strand import drawing_threads, one_thread_a_picture
from server.tracing import Tracing
from server.viewers import Viewers

log = logging.getLogger(__name__)

MEASURED_EACH_S = 1.0


class CallServer:
    """Takes calls once `load` is through, until `close`."""

    def __init__(self, config: ServerConfig, tracing: Tracing | None = None, clock: Clock | None = None) -> None:
        self.config, self._tracing = config, tracing
        self.clock = clock or MonotonicClock()
        self.metrics = Metrics()
        self.portraits = Portraits(size=config.size, limits=config.limits, clock=self.clock)
        self.sessions: dict[str, Session] = {}
        self.viewers = Viewers(config.limits, self.clock, self.metrics)
        self.atlases = MotionAtlases()
        self.pushes = Pushes(config.limits, self.clock, config.push_to)
        self.media: dict[str, CallMedia] = {}  # by session
        self.rooms = Rooms(config.limits, self.clock)
        self._members: dict[str, tuple[Room, Member]] = {}  # by session
        self.engine: Engine | None = None
        one_thread_a_picture()
        self._pool = ThreadPoolExecutor(drawing_threads(usable_cores()), thread_name_prefix="drawing", initializer=yield_to_sound)
        self.headroom = Headroom(config.limits.busy, usable_cores())
        self.processing = ProcessingTime(config.processing_ms, config.most_processing_ms)
        self._measuring: asyncio.Task[None] | None = None
        self._joining = 0  # calls between their offer and their session: they count against the limit
        self._n_ended = self._n_freed = 0  # calls that are over; those whose memory was freed
        self._free_again = False
        self._gave_back_s = float("-inf")
        self._closing = False

    async def load(self) -> None:
        """Loads the model beside the event loop, so that the page answers at once.

        Raises ModelError.
        """
        loop = asyncio.get_running_loop()
        runner = await loop.run_in_executor(None, partial(load_runner, self.config.model or default_model()))
        # two more: a call that is ending, a portrait whose motion is learnt
        engine = Engine(runner, max_sessions=self.config.limits.sessions + 2, clock=self.clock).__enter__()
        try:
            await loop.run_in_executor(None, partial(self._warm_up, engine, await self.portraits.first()))
        except BaseException:
            engine.__exit__(None, None, None)
            raise
        self.engine = engine
        self._measuring = asyncio.create_task(self._measure(engine), name="measure the load")
        self.metrics.future_ms.set(runner.spec.future_ms)
        self.metrics.delay_ms.set(self.delay_ms or 0)
        log.info("the model %s/%s is ready", runner.spec.system, runner.spec.preset)

    @property
    def future_audio_ms(self) -> int | None:
        """Future audio that a picture waits for; None until the model is loaded."""
        return self.engine.spec.future_ms if self.engine else None

    @property
    def delay_ms(self) -> int | None:
        """From what was spoken to voice and picture leaving, of a call that begins now; None until the model is loaded."""
        return self.engine.spec.future_ms + round(self.processing.ms) if self.engine else None

    async def open_session(self, portrait_id: str, sdp: str, room: Room | None = None, name: str = "") -> tuple[Session, str]:
        """A new call and the answer to its offer; with a room, the call of a member who is called `name` there.

        Raises Refusal.
        """
        limits, begun_s = self.config.limits, self.clock.now()
        engine = self._ready()
        check_offer(sdp, limits)
        if room is not None:
            self.rooms.check_place(room)
        calls = len(self.sessions) + self._joining
        if calls >= limits.sessions:
            raise full(limits.sessions)
        if self.headroom.more(calls) < 1:
            raise overloaded()
        self._joining += 1
        try:
            portrait = await self.portraits.get(portrait_id)
            media = await self._media(engine, portrait)
            media.motion.learn, media.motion.portrait = partial(self.atlases.get, portrait_id, portrait, engine), portrait_id
            session = self._session(media, portrait_id)
            if room is not None:
                self._join(room, name, session, media)
            if self._tracing is not None:
                self._follow(self._tracing, session, media, begun_s)
            answer = await session.answer(sdp)
        finally:
            self._joining -= 1
        self.sessions[session.id], self.media[session.id] = session, media
        self.portraits.hold(portrait_id)
        self.metrics.sessions.set(len(self.sessions))
        return session, answer

    async def open_viewer(self, room: Room, member_id: str, sdp: str) -> tuple[Session, str]:
        """Somebody who watches a member of a room, and the answer to their offer.

        Raises Refusal.
        """
        self._ready()
        watched = room.member(member_id).media
        return await self.viewers.open(watched, sdp, self._hello(watched.motion.portrait))

    def invites(self, room: str, session: str) -> bool:
        """Whether a request comes by a room's link: to join or watch it, or about a session that is part of one. Such a link is
        as good as a token."""
        return room in self.rooms or session in self._members or session in self.viewers.sessions

    def takes_photographs(self, room: str) -> bool:
        """Whether whoever comes by a room's link may bring a photograph without a token: where its opener said so."""
        return room in self.rooms and self.rooms.get(room).photographs

    async def close(self) -> None:
        """Tells every client, ends every call, stops the engine."""
        self._closing = True
        if self._measuring is not None:
            self._measuring.cancel()
        await self.viewers.close()
        await self.pushes.close()
        await asyncio.gather(*(session.close("shutdown", goodbye=True) for session in list(self.sessions.values())))
        if self.engine is not None:
            await asyncio.get_running_loop().run_in_executor(None, partial(self.engine.__exit__, None, None, None))
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.atlases.close()
        self.portraits.close()

    async def _measure(self, engine: Engine) -> None:
        """Once a second: what is used, and what there is room for."""
        while True:
            totals, calls = self.metrics.totals, len(self.sessions) + self._joining
            self.headroom.note(
                Load(
                    at_s=self.clock.now(),
                    process_s=time.process_time(),
                    loop_s=time.thread_time(),  # this runs on the loop's thread
                    engine_s=engine.busy_s,
                    sessions=len(self.sessions),
                    shown=totals["shown"],
                    lost=totals["lost"],
                )
            )
            self.metrics.headroom.set(self.headroom.more(calls))
            busiest = max(self.headroom.busy.values())
            self.processing.note(calls=calls, busy=busiest, lost_share=self.headroom.lost_share)
            self.metrics.delay_ms.set(self.delay_ms or 0)
            for resource, share in self.headroom.busy.items():
                self.metrics.busy.labels(resource).set(share)
            await self._free_memory()
            await asyncio.sleep(MEASURED_EACH_S)

    async def _free_memory(self) -> None:
        """Of calls that have ended."""
        n_ended = self._n_ended + self.viewers.n_ended
        if n_ended == self._n_freed and not self._free_again:
            return
        self._free_again = n_ended != self._n_freed  # a drawing thread may still hold what has only just ended
        self._n_freed = n_ended
        collect()
        if self.clock.now() - self._gave_back_s >= GIVE_BACK_S:
            self._gave_back_s = self.clock.now()
            await asyncio.get_running_loop().run_in_executor(None, give_back)

    async def _media(self, engine: Engine, portrait: Portrait) -> CallMedia:
        try:
            return await CallMedia.open(
                portrait=portrait,
                engine=engine,
                pool=self._pool,
                clock=self.clock,
                metrics=self.metrics,
                processing=self.processing,
            )
        except CapacityError as error:
            raise full(self.config.limits.sessions) from error

    def _ready(self) -> Engine:
        """Raises Refusal 503 before the model is loaded, and from `close` on."""
        if self._closing:
            raise stopping()
        if self.engine is None:
            raise starting()
        return self.engine

    def _session(self, media: CallMedia, portrait_id: str) -> Session:
        return Session(
            media=media,
            limits=self.config.limits,
            clock=self.clock,
            metrics=self.metrics,
            hello=self._hello(portrait_id),
            on_closed=partial(self._forget, portrait_id, media),
        )

    def _hello(self, portrait_id: str) -> dict[str, int | str]:
        return {
            "future_audio_ms": self.future_audio_ms or 0,
            "delay_ms": self.delay_ms or 0,
            "fps": 1000 // FRAME_MS,
            "size": self.config.size,
            "portrait": portrait_id,
        }

    def _follow(self, tracing: Tracing, session: Session, media: CallMedia, begun_s: float) -> None:
        """The call as spans."""
        calls = len(self.sessions) + self._joining
        session.trace = tracing.call(self.clock, begun_s, size=self.config.size, delay_ms=self.delay_ms or 0, calls=calls)
        session.trace.name(session.id)
        media.follow(session.trace)

    def _join(self, room: Room, name: str, session: Session, media: CallMedia) -> None:
        """The session is a member's from here to its end.

        Raises Refusal 409, after which there is no session.
        """
        try:
            member = self.rooms.join(room, name, media)
        except Refusal:
            media.close()
            raise
        member.say = session.channel.say
        session.channel.on_open = partial(room.tell, member)
        session.channel.on_me = lambda called, muted: self.rooms.describe(room, member, name=called, muted=muted)
        session.on_connected = partial(self.rooms.enter, room, member)
        self._members[session.id] = room, member

    def _forget(self, portrait_id: str, media: CallMedia, session: Session) -> None:
        if session.id in self._members:
            self.rooms.leave(*self._members.pop(session.id))
        self.viewers.end_with(media)
        self.pushes.end_with(media)
        self.media.pop(session.id, None)
        self._n_ended += 1
        if self.sessions.pop(session.id, None) is not None:
            self.portraits.release(portrait_id)
            self.metrics.sessions.set(len(self.sessions))

    def _warm_up(self, engine: Engine, portrait: Portrait) -> None:
        """Everything that is slow the first time, before anyone waits for it: batch sizes, half a second of a call."""
        for size in (size for size in BATCHES if size <= self.config.limits.sessions):
            engine.runner.compile(size)
        pipeline, encoder = Pipeline(portrait, engine), Vp8Encoder(self.config.size)
        silence = np.zeros(AUDIO_RATE_HZ // 2, np.int16)
        for future in [*pipeline.push(silence, AUDIO_RATE_HZ), *pipeline.finish()]:
            for frame in future.result():
                encoder.encode(frame.image, frame.pts_ms)
        pipeline.close()
