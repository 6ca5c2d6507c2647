"""An avatar pushed to a WHIP server on another stack: it moves and speaks there, and sends a keyframe when asked."""

import asyncio
from collections.abc import Callable

import pytest

from server.push_target import VARIABLE, allowed_origins
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.interop.foreign import Program, on_gstreamer, on_werift
from tests.server.interop.recording import Recording, nothing_stays, open_files
from tests.server.test_call import speech
from tests.server.test_push import push
from tests.server.waiting import until

PUSHED_S = 6.5
KEYFRAME_S = 0.6  # within which one comes: it waits for its sound, as every picture does


@pytest.mark.parametrize(("stack", "program"), [(on_gstreamer, "gstreamer_server"), (on_werift, "werift_server")])
async def test_a_foreign_server(start_server: StartServer, stack: Callable[[str], list[str]], program: str) -> None:
    command = [*stack(program), "theirs"]
    server = await start_server()
    tasks, files = len(asyncio.all_tasks()), open_files()
    async with Program(command) as foreign, Caller(base=base(server), pcm=speech()) as caller:
        endpoint = await foreign.line()
        core(server).pushes.origins = allowed_origins({VARIABLE: endpoint.removesuffix("/live")})
        call = await caller.call()
        media = next(iter(core(server).media.values()))
        begun = await push(caller, call, endpoint)
        (running,) = core(server).pushes._pushes.values()
        await until(lambda: running.state == "live")
        await asyncio.sleep(PUSHED_S)
        dropped = media.figures()["dropped"]
        assert (await caller.http.delete(base(server) + begun.headers["Location"])).status == 200
        recording = Recording.parse(await foreign.rest())
        await caller.http.delete(call)
    await nothing_stays(server, tasks, files)
    recording.check_media(PUSHED_S, size=256, dropped=dropped, joined_late=True)
    assert len(recording.asked_s) == 3
    first, *later = recording.keyframes_s
    assert first == recording.arrivals_s["pictures"][0]
    for asked_s in recording.asked_s:
        assert any(asked_s < at_s < asked_s + KEYFRAME_S for at_s in later), (asked_s, later)
