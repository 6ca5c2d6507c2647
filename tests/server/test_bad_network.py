"""A call over a network that begins to lose packets, in user space: pictures give way, the voice goes on, and they come back."""

import asyncio
import re
import time
from typing import Any

import numpy as np
import pytest
from aiortc import RTCSessionDescription

from server.bench.network import CLEAN, Network, Relay
from server.ladder import Rung
from tests.server.caller import RATE_HZ, Caller
from tests.server.conftest import StartServer, base, core
from tests.server.waiting import until

LOSING = Network(name="losing", loss=0.2)
CANDIDATE = re.compile(r"(a=candidate:\S+ 1 udp \d+ \S+ )(\d+) ", re.IGNORECASE)
LOST_S = 6.0
PATIENCE_S = 150.0  # vain tries double what the ladder waits for
LONGEST_HOLE_S = 0.4  # of the voice: twenty packets in a row, where one in five is lost


async def _call_through(caller: Caller, network: Network) -> Relay:
    """Calls by way of a relay, which is the caller's to close. The caller's own addresses are kept from the server."""
    response = await caller.post(re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", await caller.offer()))
    answer = await response.text()
    port = CANDIDATE.search(answer)
    assert port is not None, answer
    relay = Relay(server=("127.0.0.1", int(port[2])), network=network).__enter__()
    through = CANDIDATE.sub(rf"\g<1>{relay.port} ", answer)
    await caller.peer.setRemoteDescription(RTCSessionDescription(through, "answer"))
    async with asyncio.timeout(PATIENCE_S):
        await caller.connected.wait()
    return relay


def _estimate_nothing(caller: Caller) -> None:
    """No REMB: receiver reports tell of the line, and what is asked for again."""
    for transceiver in caller.peer.getTransceivers():
        receiver: Any = transceiver.receiver
        receiver._RTCRtpReceiver__remote_bitrate_estimator = None


def _rungs(caller: Caller) -> list[Rung]:
    """Those that the caller was told of, one after the other."""
    return [Rung[message["rung"].upper()] for message in caller.messages if message["type"] == "rung"]


@pytest.mark.timeout(400)
async def test_pictures_give_way_to_the_voice_where_packets_are_lost_and_come_back(start_server: StartServer) -> None:
    server = await start_server()
    tone = (8000 * np.sin(np.arange(RATE_HZ) * 0.05)).astype(np.int16)
    async with Caller(base=base(server), pcm=tone) as caller:
        _estimate_nothing(caller)
        relay = await _call_through(caller, CLEAN)
        try:
            await until(lambda: len(caller.received["video"]) > 25 and _rungs(caller)[-1:] == [Rung.FULL], PATIENCE_S)
            (session,) = core(server).sessions.values()
            outlet = session._media.outlet
            relay.down.network = LOSING
            began_s = time.time()
            await until(lambda: _rungs(caller)[-1] > Rung.FULL, PATIENCE_S)
            assert outlet.loss_limit.bps is not None, "its rate was cut, too"
            await asyncio.sleep(max(0.0, began_s + LOST_S - time.time()))
            relay.down.network = CLEAN
            worst = max(_rungs(caller))
            times = [timestamp for at_s, timestamp in caller.wire["audio"].packets if at_s > began_s]
            holes_s = np.diff(np.array(times, np.int64)) / RATE_HZ
            assert len(times) > 50
            assert holes_s.max() < LONGEST_HOLE_S, "the voice goes on"
            await until(lambda: _rungs(caller)[-1] < worst, PATIENCE_S)
        finally:
            relay.__exit__(None, None, None)
