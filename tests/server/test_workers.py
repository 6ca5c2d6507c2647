"""Several worker processes behind one address: `facewire serve --workers 2`, as a user starts it."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from server import names
from server.merged_metrics import merge
from tests.browser.server_process import ServerProcess
from tests.server.caller import Caller
from tests.server.waiting import until

TWO_READY_S = 60


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("workers") / "server.txt"
    with ServerProcess(log_path=log, flags=("--workers", "2", "--size", "256")) as server:
        yield server.url


async def ready(url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(TWO_READY_S):
        while True:
            async with http.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)


async def sessions(url: str) -> dict[str, int]:
    """Calls by worker."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        found = re.findall(r'^facewire_sessions\{worker="(\d)"\} (\S+)$', await answer.text(), re.MULTILINE)
    return {number: int(float(count)) for number, count in found}


def worker_of(call: str) -> int | None:
    return names.worker_of(call.rpartition("/")[2])


async def test_calls_go_to_both_and_each_request_to_its_calls_worker(url: str) -> None:
    async with Caller(base=url) as one, Caller(base=url) as other:
        calls = [await one.call(), await other.call()]
        assert {worker_of(call) for call in calls} == {0, 1}
        assert await sessions(url) == {"0": 1, "1": 1}
        async with asyncio.timeout(20):
            while not (one.pictures and other.pictures):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        for call in calls:
            async with one.http.delete(call) as ended:
                assert ended.status == 200
            async with one.http.delete(call) as again:
                assert again.status == 404
    assert await sessions(url) == {"0": 0, "1": 0}


async def test_a_room_and_a_photograph_stay_where_they_were_made(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        rooms = [await (await http.post(f"{url}/api/rooms")).json() for _ in range(3)]
        for room in rooms:
            for _ in range(3):
                async with http.get(f"{url}/api/rooms/{room['id']}") as found:
                    assert found.status == 200, room
        async with http.get(f"{url}/api/rooms/9.nowhere") as missing:
            assert missing.status == 503


async def test_a_dead_worker_is_started_again_and_the_others_calls_go_on(url: str) -> None:
    async with Caller(base=url) as one, Caller(base=url) as other:
        dying, living = await one.call(), await other.call()
        os.kill(pid_of(worker_of(dying)), signal.SIGKILL)
        await asyncio.sleep(0.2)
        packets = len(other.wire["audio"].packets)
        await until(lambda: len(other.wire["audio"].packets) > packets + 25)
        await ready(url)
        async with one.http.delete(dying) as gone:
            assert gone.status == 404
        async with other.http.delete(living) as ended:
            assert ended.status == 200
    async with Caller(base=url) as one, Caller(base=url) as other:
        assert {worker_of(await one.call()), worker_of(await other.call())} == {0, 1}


def pid_of(worker: int | None) -> int:
    """A worker's process: they are started in their order."""
    spawned = [pid for pid in children(os.getpid()) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return sorted(spawned)[worker or 0]


def children(parent: int) -> list[int]:
    """All that descend from a process."""
    own = [int(pid) for task in Path(f"/proc/{parent}/task").iterdir() for pid in (task / "children").read_text().split()]
    return own + [grandchild for child in own for grandchild in children(child)]


def test_a_name_tells_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names.worker_of(names.new_name(12)) is None
    monkeypatch.setattr(names, "_prefix", "")
    names.belong_to(7)
    assert names.worker_of(names.new_name(12)) == 7
    for no_number in ("", ".", "x.y", "-1.a", "1234567.a", "²."):
        assert names.worker_of(no_number) is None


def test_metrics_of_two_are_one_text_that_describes_each_once() -> None:
    text = "# HELP facewire_sessions Calls.\n# TYPE facewire_sessions gauge\nfacewire_sessions 3.0\n"
    merged = merge({0: text, 1: text.replace("3.0", "4.0")})
    assert merged.count("# HELP facewire_sessions") == 1
    assert 'facewire_sessions{worker="0"} 3.0' in merged
    assert 'facewire_sessions{worker="1"} 4.0' in merged
