"""The engine, the portraits and the calls of one process."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from realtime.clock import Clock, MonotonicClock
from realtime.engine import BATCHES, Engine
from realtime.errors import CapacityError
from realtime.model_spec import FRAME_MS
from realtime.pipeline import Pipeline
from realtime.portrait import Portrait
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.call_media import CallMedia
from server.config import ServerConfig
from server.encoders import AUDIO_RATE_HZ, Vp8Encoder
from server.errors import full, starting, stopping
from server.metrics import Metrics
from server.offer import check_offer
from server.portraits import Portraits
from server.session import Session

log = logging.getLogger(__name__)

DRAWING_THREADS = 2


class CallServer:
    """Takes calls once `load` is through, until `close`."""

    def __init__(self, config: ServerConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or MonotonicClock()
        self.metrics = Metrics()
        self.portraits = Portraits(size=config.size, limits=config.limits, clock=self.clock)
        self.sessions: dict[str, Session] = {}
        self.engine: Engine | None = None
        self._pool = ThreadPoolExecutor(DRAWING_THREADS, thread_name_prefix="drawing")
        self._joining = 0  # calls between their offer and their session: they count against the limit
        self._closing = False

    async def load(self) -> None:
        """Loads the model beside the event loop, so that the page answers at once.

        Raises ModelError.
        """
        loop = asyncio.get_running_loop()
        runner = await loop.run_in_executor(None, partial(load_runner, self.config.model or default_model()))
        engine = Engine(runner, max_sessions=self.config.limits.sessions + 1).__enter__()
        try:
            await loop.run_in_executor(None, partial(self._warm_up, engine, await self.portraits.first()))
        except BaseException:
            engine.__exit__(None, None, None)
            raise
        self.engine = engine
        self.metrics.future_ms.set(runner.spec.future_ms)
        self.metrics.delay_ms.set(self.delay_ms or 0)
        log.info("the model %s/%s is ready", runner.spec.system, runner.spec.preset)

    @property
    def future_audio_ms(self) -> int | None:
        """Future audio that a picture waits for; None until the model is loaded."""
        return self.engine.spec.future_ms if self.engine else None

    @property
    def delay_ms(self) -> int | None:
        """From what was spoken to voice and picture leaving; None until the model is loaded."""
        return self.engine.spec.future_ms + self.config.processing_ms if self.engine else None

    async def open_session(self, portrait_id: str, sdp: str) -> tuple[Session, str]:
        """A new call and the answer to its offer.

        Raises Refusal.
        """
        limits = self.config.limits
        if self._closing:
            raise stopping()
        if self.engine is None:
            raise starting()
        check_offer(sdp, limits)
        if len(self.sessions) + self._joining >= limits.sessions:
            raise full(limits.sessions)
        self._joining += 1
        try:
            portrait = await self.portraits.get(portrait_id)
            session = self._session(await self._media(self.engine, portrait), portrait_id)
            answer = await session.answer(sdp)
        finally:
            self._joining -= 1
        self.sessions[session.id] = session
        self.portraits.hold(portrait_id)
        self.metrics.sessions.set(len(self.sessions))
        return session, answer

    async def close(self) -> None:
        """Tells every client, ends every call, stops the engine."""
        self._closing = True
        await asyncio.gather(*(session.close("shutdown", goodbye=True) for session in list(self.sessions.values())))
        if self.engine is not None:
            await asyncio.get_running_loop().run_in_executor(None, partial(self.engine.__exit__, None, None, None))
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.portraits.close()

    async def _media(self, engine: Engine, portrait: Portrait) -> CallMedia:
        try:
            return await CallMedia.open(
                portrait=portrait,
                engine=engine,
                pool=self._pool,
                clock=self.clock,
                metrics=self.metrics,
                processing_ms=self.config.processing_ms,
            )
        except CapacityError as error:
            raise full(self.config.limits.sessions) from error

    def _session(self, media: CallMedia, portrait_id: str) -> Session:
        return Session(
            media=media,
            limits=self.config.limits,
            clock=self.clock,
            metrics=self.metrics,
            hello={
                "future_audio_ms": self.future_audio_ms or 0,
                "delay_ms": self.delay_ms or 0,
                "fps": 1000 // FRAME_MS,
                "size": self.config.size,
            },
            on_closed=partial(self._forget, portrait_id),
        )

    def _forget(self, portrait_id: str, session: Session) -> None:
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
