"""Calls end: when nobody stands behind the offer, when the peer vanishes, when the server stops."""

import asyncio
import threading
from typing import Any

import cv2
import pytest
from aiohttp.test_utils import TestServer

from server.encoders import EncodedPacket
from server.headroom import usable_cores
from server.ladder import Mode
from server.picture_rungs import Kind, PictureRungs
from server.strand import drawing_threads
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.waiting import until


async def test_an_offer_nobody_stands_behind_is_dropped(start_server: StartServer) -> None:
    server = await start_server(setup_s=1)
    async with Caller(base=base(server)) as caller:
        offer = await caller.offer()
        await caller.peer.close()
        assert (await caller.post(offer)).status == 201
        await _gone(server, within_s=3)


async def test_the_server_closes_its_side_where_the_client_does_not(start_server: StartServer) -> None:
    """After a failure aiortc closes a connection by itself; where a call ends in good order, or never began, we do."""
    server = await start_server(setup_s=1)
    async with Caller(base=base(server)) as ends, Caller(base=base(server)) as never_begins:
        url = await ends.call()
        assert (await never_begins.post(await never_begins.offer())).status == 201
        sessions = list(core(server).sessions.values())
        assert len(sessions) == 2
        async with ends.http.delete(url) as answer:
            assert answer.status == 200
        await _gone(server, within_s=5)
        assert [session._peer.signalingState for session in sessions] == ["closed"] * 2
        assert [session._peer.iceConnectionState for session in sessions] == ["closed"] * 2


@pytest.mark.parametrize("steps", range(4))
async def test_a_wish_that_comes_with_the_end_does_not_keep_a_call(start_server: StartServer, steps: int) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        (session,) = core(server).sessions.values()
        session.channel.on_mode(Mode.PAUSE)
        for _ in range(steps):  # of the event loop
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await session.close("client_ended")
        assert not core(server).sessions


async def test_a_vanished_peer_is_gone_in_ten_seconds(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        assert core(server).sessions
        for transport in {sender.transport.transport for sender in caller.peer.getSenders()}:
            for protocol in transport._connection._protocols:
                protocol.transport.abort()  # a power cut: nothing more comes, nothing is said
        await _gone(server, within_s=15)  # ten by the clocks of ICE, and what a busy machine is late


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
        await until(lambda: len(core(server).sessions) == 1)
        packets = len(other.wire["audio"].packets)
        await until(lambda: len(other.wire["audio"].packets) > packets + 15)
        assert {"type": "goodbye", "reason": "server_error"} in one.messages


async def test_a_stopping_server_says_goodbye(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(0.5)
        await server.close()
        await asyncio.sleep(0.3)
        assert {"type": "goodbye", "reason": "shutdown"} in caller.messages


async def test_a_server_draws_each_picture_on_one_thread(start_server: StartServer) -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        await start_server()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


async def test_pictures_are_drawn_and_encoded_on_threads_of_their_own_that_end_with_the_server(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the loop's default pool, where whatever else is slow would hold them up."""
    encode, seen = PictureRungs.encode, set[str]()

    def noted(self: PictureRungs, *arguments: Any) -> dict[Kind, EncodedPacket]:
        seen.add(threading.current_thread().name)
        return encode(self, *arguments)

    monkeypatch.setattr(PictureRungs, "encode", noted)
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        async with asyncio.timeout(5):
            while not caller.wire["video"].packets:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert 1 <= len(seen) <= drawing_threads(usable_cores())
        assert all(name.startswith("drawing_") for name in seen), seen
        await server.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("drawing_", "motion_", "portraits_")) or name == "engine"], names


async def _gone(server: TestServer, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while core(server).sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
