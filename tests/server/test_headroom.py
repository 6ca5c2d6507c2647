"""A server that is measured to be busy takes no more calls, and those that it has go on."""

import asyncio

from server.headroom import Headroom
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core


async def test_a_busy_server_refuses_and_says_when_to_come_again(start_server: StartServer) -> None:
    server = await start_server(sessions=20, busy=0.01)  # any call is more than a hundredth of a core
    async with Caller(base=base(server)) as first, Caller(base=base(server)) as second:
        await first.call()
        await asyncio.sleep(3)
        refused = await second.post(await second.offer())
        assert refused.status == 503
        assert refused.headers["Retry-After"] == "5"
        assert (await refused.json())["error"]["reason"] == "server_busy"
        assert len(core(server).sessions) == 1
        engine = core(server).engine
        assert engine is not None
        assert engine.n_sessions == 1
        packets = len(first.wire["audio"].packets)
        await asyncio.sleep(1)
        assert len(first.wire["audio"].packets) >= packets + 45


async def test_the_load_is_measured_while_calls_go_on(start_server: StartServer) -> None:
    server = await start_server(busy=0.85)
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(3.5)
        headroom: Headroom = core(server).headroom
        assert all(0.001 < share < 1.2 for share in headroom.busy.values()), headroom.busy
        text = await (await caller.http.get(f"{base(server)}/metrics")).text()
    assert 'facewire_busy_ratio{resource="engine"}' in text
    assert "facewire_headroom_sessions" in text
