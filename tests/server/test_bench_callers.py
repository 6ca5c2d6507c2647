"""The callers of `facewire bench capacity` against the real server: what they see is what the server shows."""

import asyncio

from server.bench.callers import Callers
from server.bench.serving import available_cores
from server.commands.benchmarks import SPEECH
from tests.server.conftest import StartServer, base, core


async def test_callers_see_every_picture_and_when_it_was_due(start_server: StartServer) -> None:
    server = await start_server(sessions=2)
    loop = asyncio.get_running_loop()
    callers = Callers(base(server), SPEECH, available_cores()).__enter__()
    try:
        assert await loop.run_in_executor(None, callers.call, 2) is None
        await asyncio.sleep(2.5)  # sender reports come each second
        seen = await loop.run_in_executor(None, callers.measure, 3)
        assert len(core(server).sessions) == 2
        assert all(0 < rate < 27 for rate in seen["pictures_a_second"]), seen  # 25 and 50, where the machine is not busy
        assert all(5 < rate < 60 for rate in seen["voice_packets_a_second"]), seen
        assert -1 < seen["picture_late_ms"]["p50"] < 60_000
        refusal = await loop.run_in_executor(None, callers.call, 3)
        assert refusal is not None
        assert "server_full" in refusal
    finally:
        await loop.run_in_executor(None, callers.__exit__, None, None, None)  # they hang up: this loop must answer
    assert not core(server).sessions
