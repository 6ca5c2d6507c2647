"""Offers that are none: each gets a 400, none leaves anything behind, and the server goes on."""

import asyncio
import random
import time

from aiohttp.test_utils import TestServer

from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core

NAMED_CANDIDATE = "a=candidate:1 1 udp 1 00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa.local 20000 typ host"


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
        "no codec of ours": good.replace("VP8/90000", "XX8/90000").replace("H264/90000", "X264/90000"),
        "port not a number": good.replace("m=audio ", "m=audio x", 1),
        "bad rtpmap": good.replace("opus/48000/2", "opus"),
        "a hundred audio lines": head + audio * 100,
        "two thousand candidates": good + candidates,
        "five thousand rtpmaps": good.replace("a=rtpmap:96", "a=rtpmap:1 x/1\r\n" * 3000 + "a=rtpmap:96", 1),
        "a long attribute": good + "a=x:" + "A" * 200_000 + "\r\n",
        "many lines": good + "a=zzzzzzz:1\r\n" * 5000,
        "an image line": good + "m=image 9 udptl t38\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\n",
        "two audio lines": head + audio + audio.replace("a=mid:0", "a=mid:9"),
    }


def doubtful(good: str) -> dict[str, str]:
    """Offers that may be taken or refused, by name, but break nothing."""
    fingerprint = good[good.index("a=fingerprint:sha-256 ") :].split("\r\n")[0]
    return {
        "another fingerprint": good.replace(fingerprint, fingerprint[:-2] + "00"),
        "a fingerprint of another kind": good.replace("sha-256", "md5"),
        "no mid": _without(good, "a=mid"),
        "one mid twice": good.replace("a=mid:1", "a=mid:0"),
        "a bundle of others": good.replace("BUNDLE 0 1 2", "BUNDLE 7 8"),
        "no rtcp-mux": _without(good, "rtcp-mux"),
        "no setup": _without(good, "a=setup"),
        "a bad fmtp": good.replace("a=rtpmap:96", "a=fmtp:96 =;;=x;;;\r\na=rtpmap:96", 1),
        "a bad candidate": good.replace("a=mid:0", "a=mid:0\r\na=candidate:foo bar", 1),
        "a candidate nobody resolves": good.replace("a=mid:0", f"a=mid:0\r\n{NAMED_CANDIDATE}", 1),
        "a long ufrag": good.replace("a=ice-ufrag:", "a=ice-ufrag:" + "w" * 5000, 1),
        "no end of line": good.rstrip(),
        "ends of lines of Unix": good.replace("\r\n", "\n"),
    }


def spoilt(good: str, seed: int) -> str:
    """One to three lines dropped, doubled, swapped, cut or garbled."""
    chance = random.Random(seed)
    lines = good.split("\r\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        how = chance.choice(("drop", "double", "swap", "cut", "garble"))
        if how == "drop":
            del lines[at]
        elif how == "double":
            lines.insert(at, lines[at])
        elif how == "swap":
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "cut":
            lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
        else:
            lines[at] = "".join(chance.choice((c, c, c, chr(chance.randint(32, 500)))) for c in lines[at])
    return "\r\n".join(lines)


async def test_each_is_refused_and_nothing_is_left(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        good = await caller.offer()
        before = len(asyncio.all_tasks())
        for name, sdp in malformed(good).items():
            began = time.monotonic()
            response = await caller.post(sdp)
            assert response.status in (400, 413), f"{name}: {response.status}"
            assert (await response.json())["error"]["message"]
            assert time.monotonic() - began < 1, name
        await _nothing_is_left(server, before)
        assert (await caller.post(good)).status == 201


async def test_doubtful_ones_break_nothing(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        good = await caller.offer()
        before = len(asyncio.all_tasks())
        for name, sdp in doubtful(good).items():
            assert await _take_or_refuse(caller, sdp) in (201, 400), name
        statuses = [await _take_or_refuse(caller, spoilt(good, seed)) for seed in range(60)]
        assert set(statuses) == {201, 400}
        await _nothing_is_left(server, before)
        assert (await caller.post(good)).status == 201


async def _take_or_refuse(caller: Caller, sdp: str) -> int:
    """The status; a call that was taken is ended."""
    response = await caller.post(sdp)
    if response.status == 201:
        await caller.http.delete(caller.base + response.headers["Location"])
    return response.status


async def _nothing_is_left(server: TestServer, tasks_before: int) -> None:
    engine = core(server).engine
    assert engine is not None
    await asyncio.sleep(0.5)
    assert not core(server).sessions
    assert engine.n_sessions == 0
    assert len(asyncio.all_tasks()) <= tasks_before + 1
