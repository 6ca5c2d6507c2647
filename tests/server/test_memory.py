"""Memory of calls that ended: freed at once, and the system's again."""

import ctypes.util
import gc
import weakref
from pathlib import Path

import pytest

from server.memory import give_back
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.waiting import until

BLOCK, BLOCKS = 20_000, 5_000  # bytes, and how many: 100 MB
EVERY = 100  # one in so many stays, so that the others are no end of a heap
PAGE_MB = 4096 / 2**20


async def test_a_call_s_media_go_with_it_however_seldom_the_collector_looks(start_server: StartServer) -> None:
    server = await start_server()
    gc.disable()
    try:
        async with Caller(base=base(server)) as caller:
            url = await caller.call()
            (session,) = core(server).sessions.values()
            left: list[weakref.ref[object]] = [weakref.ref(session), weakref.ref(session._media), weakref.ref(session._peer)]
            del session
            await caller.http.delete(url)
        await until(lambda: all(one() is None for one in left), within_s=10)
    finally:
        gc.enable()


@pytest.mark.skipif(ctypes.util.find_library("c") != "libc.so.6", reason="there is no glibc here")
def test_what_is_free_between_what_lives_is_given_back() -> None:
    blocks = [bytearray(BLOCK) for _ in range(BLOCKS)]
    full_mb = _resident_mb()
    kept = blocks[::EVERY]
    blocks.clear()
    give_back()
    assert len(kept) == BLOCKS // EVERY
    assert _resident_mb() < full_mb - 0.6 * BLOCK * BLOCKS / 2**20


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB
