"""A member of a room, watched over WHEP by other players than ours, which know of no data channel."""

import asyncio
from collections.abc import Callable

import pytest

from tests.server.conftest import StartServer, base, core
from tests.server.interop.foreign import Program, on_gstreamer, on_werift
from tests.server.interop.recording import Recording
from tests.server.test_call import speech
from tests.server.test_rooms import joined, new_room

WATCHED_S = 6.0


@pytest.mark.parametrize(("stack", "program"), [(on_gstreamer, "gstreamer_player"), (on_werift, "werift_player")])
async def test_a_foreign_player(start_server: StartServer, stack: Callable[[str], list[str]], program: str) -> None:
    command = stack(program)
    server = await start_server()
    room = await new_room(server)
    async with joined(server, room, "Anna", pcm=speech()) as anna:
        member = (await anna.told("room"))["you"]
        media = next(iter(core(server).media.values()))
        async with Program([*command, f"{base(server)}/whep?room={room}&member={member}", str(WATCHED_S)]) as player:
            recording = Recording.parse(await player.rest())
        await asyncio.sleep(0.5)
        assert not core(server).viewers.sessions
        recording.check_media(WATCHED_S, size=256, dropped=media.figures()["dropped"], joined_late=True)
        assert len(recording.keyframes_s) >= 1
        assert recording.keyframes_s[0] == recording.arrivals_s["pictures"][0], "what comes first is a whole picture"
