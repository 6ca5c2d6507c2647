"""Ten callers killed at once, as by a power cut in their house: ten seconds later nothing is left of them."""

import asyncio
import threading
from pathlib import Path

from server.bench.callers import Callers
from server.bench.serving import available_cores
from server.commands.benchmarks import SPEECH
from tests.server.conftest import StartServer, base, core, nothing_is_learnt
from tests.server.waiting import until

CALLERS = 10


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> list[threading.Thread]:
    """All but those of the three pools, which stay."""
    return [thread for thread in threading.enumerate() if not thread.name.startswith(("asyncio_", "drawing_", "motion_"))]


async def test_ten_killed_at_once_leave_nothing_behind(start_server: StartServer) -> None:
    server = await start_server(sessions=CALLERS)
    loop = asyncio.get_running_loop()
    tasks, files, before = len(asyncio.all_tasks()), open_files(), threads()
    callers = Callers(base(server), SPEECH, available_cores()).__enter__()
    assert await loop.run_in_executor(None, callers.call, CALLERS) is None
    assert len(core(server).sessions) == CALLERS
    assert len(asyncio.all_tasks()) > tasks + CALLERS  # the control
    callers.kill()
    callers.__exit__(None, None, None)
    await until(lambda: not core(server).sessions, within_s=15)  # ten by the clocks of ICE, and what a busy machine is late
    await nothing_is_learnt(server)
    await asyncio.sleep(0.5)
    engine = core(server).engine
    assert engine is not None
    assert engine.n_sessions == 0
    assert len(asyncio.all_tasks()) <= tasks + 1  # a keep-alive connection may still be closing
    assert open_files() <= files + 2
    assert threads() == before
