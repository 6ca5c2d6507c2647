"""A server that is measured to be busy takes no more calls, and those that it has go on."""

import asyncio
import re

from server.headroom import Headroom
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.waiting import until


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
        assert engine.n_sessions - core(server).atlases.learning <= 1
        before = first.wire["audio"].packets[-1][1]
        await asyncio.sleep(1.5)
        gone_s = (first.wire["audio"].packets[-1][1] - before) % 2**32 / 48_000
        assert gone_s > 0.9, "the voice stands still"  # in silence a thin voice says little: packets are not counted


async def test_the_load_is_measured_while_calls_go_on(start_server: StartServer) -> None:
    server = await start_server(busy=5.0)  # however busy the machine, there is room
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(3.5)
        headroom: Headroom = core(server).headroom
        assert all(0.001 < share < 1.2 for share in headroom.busy.values()), headroom.busy
        text = await (await caller.http.get(f"{base(server)}/metrics")).text()
    for name in ('facewire_busy_ratio{resource="engine"}', "facewire_headroom_sessions"):
        value = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert value is not None, name
        assert float(value[1]) > 0, name


async def test_pictures_that_are_lost_are_measured_against_those_that_are_shown(start_server: StartServer) -> None:
    server = await start_server(busy=5.0, sessions=20)
    async with Caller(base=base(server)) as caller, Caller(base=base(server)) as refused:
        await caller.call()
        await asyncio.sleep(3)
        core(server).metrics.totals["lost"] += 5
        await until(lambda: 0 < core(server).headroom.lost_share < 0.9)
        core(server).metrics.totals["lost"] += 500
        await until(lambda: core(server).headroom.lost_share > 0.5)
        assert (await refused.post(await refused.offer())).status == 503
