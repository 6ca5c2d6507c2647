"""The motion atlases of a server's portraits: learnt when somebody first asks, beside the event loop, and kept."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import CancelledError as CancelledFutureError
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from realtime.engine import Engine
from realtime.errors import CapacityError
from realtime.motion.atlas import Atlas
from realtime.motion.learning import learn_atlas
from realtime.portrait import Portrait

log = logging.getLogger(__name__)

MAX_KEPT = 32  # some 5 kB as they are sent, 1 MB in memory
AGAIN_S = 0.5  # where the engine has no place to learn in: a call that ends leaves one
PLACE_S = 60.0  # for so long one is waited for
Progress = Callable[[float], None]


class MotionAtlases:
    """One is learnt at a time; all who ask for the same wait for the same."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="motion")
        self._learning: dict[str, asyncio.Task[Atlas]] = {}
        self._progress: dict[str, list[Progress]] = {}
        self._kept: dict[str, Atlas] = {}  # the one that was asked for longest ago first
        self._identity = 0

    async def get(self, key: str, portrait: Portrait, engine: Engine, progress: Progress) -> Atlas:
        """The atlas of a portrait, by the portrait's id. progress: told 0..1 while it is learnt, on the event loop.

        Raises CapacityError where the engine has had no place to learn it in for PLACE_S.
        """
        if key in self._kept:
            self._kept[key] = self._kept.pop(key)
            return self._kept[key]
        if key not in self._learning:
            self._progress[key] = []
            self._learning[key] = asyncio.create_task(self._learn(key, portrait, engine), name=f"atlas {key}")
        self._progress[key].append(progress)
        return await asyncio.shield(self._learning[key])

    @property
    def learning(self) -> int:
        """How many are being learnt or wait for it."""
        return len(self._learning)

    def close(self) -> None:
        """Ends the thread that learns; the engine has stopped before."""
        for task in self._learning.values():
            task.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _learn(self, key: str, portrait: Portrait, engine: Engine) -> Atlas:
        self._identity = (self._identity + 1) % 256
        learn = partial(learn_atlas, portrait, engine, self._identity, partial(self._report, asyncio.get_running_loop(), key))
        try:
            atlas = await self._in_a_place(learn)
        finally:
            del self._learning[key], self._progress[key]
        self._kept[key] = atlas
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        log.info("learnt a motion atlas of %d components", len(atlas.components))
        return atlas

    async def _in_a_place(self, learn: Callable[[], Atlas]) -> Atlas:
        """As soon as the engine has a place for it.

        Raises CapacityError.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + PLACE_S
        while True:
            try:
                return await loop.run_in_executor(self._pool, learn)
            except CancelledFutureError as error:
                raise CapacityError("the engine has stopped: no motion is learnt any more") from error
            except CapacityError:
                if loop.time() > end_s:
                    raise
                await asyncio.sleep(AGAIN_S)

    def _report(self, loop: asyncio.AbstractEventLoop, key: str, share: float) -> None:
        """On the thread that learns."""
        loop.call_soon_threadsafe(self._tell, key, share)

    def _tell(self, key: str, share: float) -> None:
        for progress in self._progress.get(key, []):
            progress(share)
