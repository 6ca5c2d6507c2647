"""Offers that are none: each gets a 400, none leaves anything behind, and the server goes on."""

import asyncio

from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core


def _without(sdp: str, word: str) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if word not in line)


def malformed(good: str) -> dict[str, str]:
    """Ways in which a good offer can be spoilt, by name."""
    audio = good[good.index("m=audio") : good.index("m=video")]
    head = good[: good.index("m=audio")]
    candidates = "".join(f"a=candidate:{i} 1 udp 1 127.0.0.1 {20000 + i} typ host\r\n" for i in range(2000))
    return {
        "garbage": "hello\r\nworld",
        "binary": "\x00\x01" * 500,
        "only a version": "v=0\r\n",
        "no ufrag": _without(good, "ice-ufrag"),
        "no fingerprint": _without(good, "fingerprint"),
        "no audio": head + good[good.index("m=video") : good.index("m=application")],
        "audio that sends nothing": good.replace("a=sendrecv", "a=recvonly"),
        "no VP8": good.replace("VP8/90000", "XX8/90000"),
        "port not a number": good.replace("m=audio ", "m=audio x", 1),
        "bad rtpmap": good.replace("opus/48000/2", "opus"),
        "a hundred audio lines": head + audio * 100,
        "two thousand candidates": good + candidates,
        "five thousand rtpmaps": good.replace("a=rtpmap:96", "a=rtpmap:1 x/1\r\n" * 3000 + "a=rtpmap:96", 1),
        "two audio lines": head + audio + audio.replace("a=mid:0", "a=mid:9"),
    }


async def test_each_is_refused_and_nothing_is_left(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        good = await caller.offer()
        before = len(asyncio.all_tasks())
        for name, sdp in malformed(good).items():
            response = await caller.post(sdp)
            assert response.status in (400, 413), f"{name}: {response.status}"
            assert (await response.json())["error"]["message"]
        assert not core(server).sessions
        assert core(server).engine.n_sessions == 0  # type: ignore[union-attr]
        await asyncio.sleep(0.5)
        assert len(asyncio.all_tasks()) <= before + 1
        assert (await caller.post(good)).status == 201
