"""Calls end: when nobody stands behind the offer, when the peer vanishes, when the server stops."""

import asyncio

import pytest
from aiohttp.test_utils import TestServer

from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core


async def test_an_offer_nobody_stands_behind_is_dropped(start_server: StartServer) -> None:
    server = await start_server(setup_s=1)
    async with Caller(base=base(server)) as caller:
        offer = await caller.offer()
        await caller.peer.close()
        assert (await caller.post(offer)).status == 201
        await _gone(server, within_s=3)


async def test_a_vanished_peer_is_gone_in_ten_seconds(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        assert core(server).sessions
        for transport in {sender.transport.transport for sender in caller.peer.getSenders()}:
            for protocol in transport._connection._protocols:
                protocol.transport.abort()  # a power cut: nothing more comes, nothing is said
        await _gone(server, within_s=10)


async def test_a_silent_channel_is_a_vanished_peer(start_server: StartServer) -> None:
    server = await start_server(silent_peer_s=1.5)
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(0.5)
        caller.ping(1)
        await _gone(server, within_s=8)
        assert {"type": "goodbye", "reason": "peer_silent"} in caller.messages


async def test_a_client_that_ends_its_connection_is_gone_at_once(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await caller.peer.close()
        await _gone(server, within_s=2)


async def test_a_call_that_breaks_says_so_and_leaves_the_others_alone(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as one, Caller(base=base(server)) as other:
        await one.call()
        broken = next(iter(core(server).sessions.values()))
        await other.call()
        monkeypatch.setattr(broken._media._ingest, "read", lambda _: 1 / 0)  # type: ignore[attr-defined]
        async with asyncio.timeout(3):
            while len(core(server).sessions) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        packets = len(other.wire["audio"].packets)
        await asyncio.sleep(0.5)
        assert {"type": "goodbye", "reason": "server_error"} in one.messages
        assert len(other.wire["audio"].packets) > packets + 15


async def test_a_stopping_server_says_goodbye(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(0.5)
        await server.close()
        await asyncio.sleep(0.3)
        assert {"type": "goodbye", "reason": "shutdown"} in caller.messages


async def _gone(server: TestServer, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while core(server).sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
