"""Worker processes: each a whole server on a socket in the file system, with cores of its own; one that dies is started again."""

import asyncio
import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from server import names
from server.config import ServerConfig

log = logging.getLogger(__name__)

RESTART_S = 0.5
STOP_S = 10.0


@dataclass(kw_only=True)
class Worker:
    """socket: where it listens; calls: how many were begun there and not ended, as far as the parent saw."""

    number: int
    socket: Path
    config: ServerConfig
    cores: tuple[int, ...]
    process: Any = None  # multiprocessing's processes have a type each start method
    _life: Connection | None = None

    def start(self) -> None:
        """It ends when the other end of its pipe does, however its parent ends."""
        self.socket.unlink(missing_ok=True)
        context = multiprocessing.get_context("spawn")
        theirs, self._life = context.Pipe(duplex=False)
        self.process = context.Process(target=work, args=(self.number, self.config, self.socket, self.cores, theirs))
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """Asks it to end its calls and itself; kills it where it does not."""
        self.process.terminate()
        self.process.join(STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def work(number: int, config: ServerConfig, socket: Path, cores: Sequence[int], life: Connection) -> None:
    """A worker's whole life, in its own process."""
    import uvloop

    from server.app import serve

    names.belong_to(number)
    if cores:
        os.sched_setaffinity(0, cores)
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s worker {number} %(name)s: %(message)s")
    for name in ("aioice.ice", "aiortc"):
        logging.getLogger(name).setLevel(logging.WARNING)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches all: the parent decides
        loop.add_reader(life.fileno(), stop.set)  # the parent is gone
        await serve(config, None, lambda: None, stop, socket)

    uvloop.run(main())


class Workers:
    """From `async with` to the end of the block."""

    def __init__(self, config: ServerConfig, count: int) -> None:
        self._config, self._count = config, count
        self._stack = AsyncExitStack()
        self.all: list[Worker] = []

    async def __aenter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="facewire-")))
        limits = replace(self._config.limits, sessions=-(-self._config.limits.sessions // self._count))
        config = replace(self._config, limits=limits)
        for number in range(self._count):
            worker = Worker(number=number, socket=folder / f"{number}", config=config, cores=_cores_of(number, self._count))
            worker.start()
            self.all.append(worker)
        self._watching = [asyncio.create_task(self._keep(worker)) for worker in self.all]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in self.all))
        await self._stack.aclose()

    async def _keep(self, worker: Worker) -> None:
        """Starts it again whenever it has ended."""
        loop = asyncio.get_running_loop()
        while True:
            ended = asyncio.Event()
            loop.add_reader(worker.process.sentinel, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(worker.process.sentinel)
            log.error("worker %d ended with %s: it is started again", worker.number, worker.process.exitcode)
            await asyncio.sleep(RESTART_S)
            worker.start()


def _cores_of(number: int, count: int) -> tuple[int, ...]:
    """A worker's own cores, so that what it measures to be busy is its own; none where there are fewer than workers."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return tuple(cores[number::count]) if len(cores) >= count else ()
