"""Rooms over real connections: who is there, who sees and hears whom, and that nobody disturbs anybody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from numpy.typing import NDArray

from server.encoders import EncodedPacket
from server.portraits import SHIPPED
from server.tracks import ReleasedTrack
from tests.server.caller import RATE_HZ, Caller
from tests.server.conftest import StartServer, base, core
from tests.server.test_call import speech
from tests.server.waiting import until

TONE = (8_000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16)


async def new_room(server: TestServer, **headers: str) -> str:
    async with aiohttp.ClientSession() as http, http.post(f"{base(server)}/api/rooms", headers=headers) as response:
        assert response.status == 201, await response.text()
        opened = await response.json()
    assert opened["link"] == f"/?room={opened['id']}"
    return str(opened["id"])


@asynccontextmanager
async def joined(server: TestServer, room: str, name: str, **settings: object) -> AsyncIterator[Caller]:
    async with Caller(base=base(server), room=room, name=name, **settings) as caller:  # type: ignore[arg-type]
        await caller.call()
        yield caller


def names(caller: Caller) -> list[str]:
    """Who is in the room, by the newest message."""
    rosters = [message for message in caller.messages if message["type"] == "room"]
    return [member["name"] for member in rosters[-1]["members"]]


@pytest.mark.usefixtures("always_video")
async def test_two_in_a_room_see_and_hear_each_other(start_server: StartServer) -> None:
    server = await start_server()
    room = await new_room(server)
    async with joined(server, room, "Anna", pcm=speech()) as anna:
        assert (await anna.told("room"))["room"] == room
        async with joined(server, room, "Bob") as bob:
            there = await bob.told("room")
            you = {member["id"]: member["name"] for member in there["members"]}
            assert you[there["you"]] == "Bob"
            anna_id = next(key for key, name in you.items() if name == "Anna")
            async with Caller(base=base(server), room=room, watches=anna_id) as watching:
                await watching.call()
                await until(lambda: _alive(watching))
                assert names(anna) == ["Anna", "Bob"]
                assert np.abs(np.concatenate(watching.sound)).max() > 3_000, "Anna is heard"
            own = np.concatenate(bob.sound)
            assert np.abs(own[RATE_HZ:]).max() < 300, "Bob, who says nothing, does not hear Anna in his own voice"
        await until(lambda: names(anna) == ["Anna"])
    assert not core(server).viewers.sessions


def _alive(watching: Caller) -> bool:
    if len(watching.pictures) < 2:
        return False
    moved = np.abs(np.diff(np.stack(watching.pictures).astype(np.int16), axis=0)).max()
    return len(watching.received["video"]) > 60 and len(watching.received["audio"]) > 150 and moved > 20


@pytest.mark.usefixtures("always_video")
async def test_one_encode_whatever_the_number_of_viewers(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three who watch get the very packets of the one watched, each from a keyframe on, and the first viewer is not disturbed."""
    server = await start_server()
    room = await new_room(server)
    async with joined(server, room, "Anna", pcm=TONE) as anna:
        member = (await anna.told("room"))["you"]
        pictures = next(iter(core(server).sessions.values()))._media._pictures  # type: ignore[attr-defined]
        encoder = next(iter(pictures._encoders.values()))  # VP8, the full side
        encoded: list[int] = []
        encode: Callable[[NDArray[np.uint8], int], EncodedPacket] = encoder.encode

        def counted(image: NDArray[np.uint8], media_ms: int) -> EncodedPacket:
            encoded.append(media_ms)
            return encode(image, media_ms)

        monkeypatch.setattr(encoder, "encode", counted)
        async with Caller(base=base(server), room=room, watches=member) as first:
            await first.call()
            await asyncio.sleep(1)
            async with Caller(base=base(server), room=room, watches=member) as second:
                await second.call()
                await until(lambda: len(second.received["video"]) > 35)
        assert len(encoded) == len(set(encoded))
        arrivals = np.array([at for at, _ in first.received["video"]])
        assert np.diff(arrivals).max() < 0.4, "nobody froze when another came"


async def test_a_poor_line_gets_a_smaller_picture_and_the_others_do_not(start_server: StartServer) -> None:
    """The estimate is put where REMB puts it: at the track (tests/server/test_adjustments.py)."""
    server = await start_server(size=512)
    room = await new_room(server)
    async with joined(server, room, "Anna", pcm=TONE) as anna:
        member = (await anna.told("room"))["you"]
        async with Caller(base=base(server), room=room, watches=member) as poor:
            await poor.call()
            viewer = next(iter(core(server).viewers.sessions.values()))
            track = viewer._media.picture
            assert isinstance(track, ReleasedTrack)
            await until(lambda: bool(poor.pictures))
            assert poor.pictures[-1].shape == (512, 512, 3)
            track.limit_bitrate(70_000)
            await until(lambda: poor.pictures[-1].shape == (256, 256, 3))
            assert anna.pictures[-1].shape == (512, 512, 3)
            track.limit_bitrate(400_000)
            await asyncio.sleep(1)
            assert poor.pictures[-1].shape == (256, 256, 3), "it does not jump"
    assert not core(server).viewers.sessions


async def test_names_and_mutes_reach_the_others(start_server: StartServer) -> None:
    server = await start_server()
    room = await new_room(server)
    async with (
        joined(server, room, "  A\u0007nna \n with a name that is much too long ") as anna,
        joined(server, room, "") as bob,
    ):
        await until(lambda: names(anna) == ["A nna with a name that i", "Guest"])
        bob.say(type="me", name="Bob", muted=True)
        await until(lambda: names(anna)[-1] == "Bob")
        newest = [message for message in anna.messages if message["type"] == "room"][-1]
        assert [member["muted"] for member in newest["members"]] == [False, True]


async def test_a_room_holds_as_many_as_it_says_and_ends_when_it_is_empty(start_server: StartServer) -> None:
    server = await start_server(room_members=1, empty_room_s=3, rooms=1)
    room = await new_room(server)
    async with aiohttp.ClientSession() as http:
        async with joined(server, room, "Anna"), Caller(base=base(server), room=room) as late:
            refused = await late.post(await late.offer())
            assert (refused.status, (await refused.json())["error"]["reason"]) == (409, "room_full")
            full = await http.post(f"{base(server)}/api/rooms")
            assert (full.status, full.headers["Retry-After"]) == (503, "5")
            assert await (await http.get(f"{base(server)}/api/rooms/{room}")).json() == {
                "id": room,
                "limit": 1,
                "members": 1,
                "photographs": False,
            }
        await until(lambda: len(core(server).rooms) == 0)
        gone = await http.get(f"{base(server)}/api/rooms/{room}")
        assert (gone.status, (await gone.json())["error"]["reason"]) == (404, "room_unknown")
    assert len(core(server).sessions) == 0


async def test_who_watches_goes_with_the_one_watched(start_server: StartServer) -> None:
    server = await start_server()
    room = await new_room(server)
    async with Caller(base=base(server), room=room, name="Anna") as anna:
        url = await anna.call()
        member = (await anna.told("room"))["you"]
        async with Caller(base=base(server), room=room, watches=member) as watching:
            await watching.call()
            await anna.http.delete(url)
            assert await watching.told("goodbye") == {"type": "goodbye", "reason": "call_ended"}
            await until(lambda: not core(server).viewers.sessions)


async def test_what_cannot_be_watched_is_refused(start_server: StartServer) -> None:
    server = await start_server(viewers=0)
    room = await new_room(server)
    async with joined(server, room, "Anna") as anna:
        member = (await anna.told("room"))["you"]
        for watches, where, status, reason in (
            (member, "no such room", 404, "room_unknown"),
            ("nobody", room, 404, "no_such_member"),
            (member, room, 503, "server_full"),
        ):
            async with Caller(base=base(server), room=where, watches=watches) as viewer:
                refused = await viewer.post(await viewer.offer())
                assert (refused.status, (await refused.json())["error"]["reason"]) == (status, reason)
        async with Caller(base=base(server), room=room) as sends:
            offer = await sends.offer()
            sends.watches = member
            refused = await sends.post(offer)
            assert (refused.status, (await refused.json())["error"]["reason"]) == (400, "bad_offer")


async def test_a_room_s_link_is_as_good_as_the_token(start_server: StartServer) -> None:
    server = await start_server(token="secret")
    async with aiohttp.ClientSession() as http:
        assert (await http.post(f"{base(server)}/api/rooms")).status == 401
    room = await new_room(server, Authorization="Bearer secret")
    async with Caller(base=base(server), room=room, name="Guest") as guest:
        url = await guest.call()
        assert (await guest.http.delete(url)).status == 200
    async with Caller(base=base(server), room="guessed") as stranger:
        assert (await stranger.post(await stranger.offer())).status == 401


async def test_a_room_s_link_is_good_for_a_photograph_where_it_was_opened_so(start_server: StartServer) -> None:
    server = await start_server(token="secret")
    picture = next(SHIPPED.glob("*.jpg")).read_bytes()
    async with aiohttp.ClientSession() as http:
        for query, status in (("", 401), ("?photographs=guests", 201)):
            opened = await http.post(f"{base(server)}/api/rooms{query}", headers={"Authorization": "Bearer secret"})
            room = (await opened.json())["id"]
            told = await (await http.get(f"{base(server)}/api/rooms/{room}")).json()
            assert told["photographs"] == (status == 201)
            place, headers = f"{base(server)}/api/portraits", {"Content-Type": "image/jpeg"}
            assert (await http.post(f"{place}?room={room}", data=picture, headers=headers)).status == status
            assert (await http.post(f"{place}?room=guessed", data=picture, headers=headers)).status == 401


async def test_one_who_pauses_gets_nothing_and_then_everything(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=TONE) as caller:
        await caller.call()
        await until(lambda: len(caller.pictures) > 2)
        caller.say(type="mode", want="pause")
        await caller.told("rung", rung="voice", mode="pause")
        await asyncio.sleep(1)
        before = {kind: len(wire.packets) for kind, wire in caller.wire.items()}
        await asyncio.sleep(1)
        assert {kind: len(wire.packets) for kind, wire in caller.wire.items()} == before
        caller.say(type="mode", want="auto")
        await until(lambda: all(len(wire.packets) > before[kind] + 3 for kind, wire in caller.wire.items()))


async def test_joining_and_leaving_at_random_leaves_nothing_behind(start_server: StartServer) -> None:
    server = await start_server(sessions=4)
    room = await new_room(server)

    async def visit(number: int) -> None:
        await asyncio.sleep(0.15 * number)
        async with joined(server, room, f"Guest {number}") as guest:
            others = [m["id"] for m in (await guest.told("room"))["members"] if m["id"] != guest.messages[-1].get("you")]
            async with Caller(base=base(server), room=room, watches=others[0]) as watching:
                await watching.call()
                await asyncio.sleep(0.1 * (number % 3))

    async with joined(server, room, "Anna", pcm=TONE) as anna:
        await asyncio.gather(*(visit(number) for number in range(3)))
        await until(lambda: names(anna) == ["Anna"])
        packets = len(anna.wire["audio"].packets)
        await until(lambda: len(anna.wire["audio"].packets) > packets + 15)
    await until(lambda: not core(server).sessions and not core(server).viewers.sessions)
