"""The motion stream of a real call over loopback: learnt, sent on the voice's timeline, within 32 kbit/s; and back to video."""

import asyncio
import json
import struct
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from realtime.errors import CapacityError
from realtime.motion.atlas import Atlas, AtlasReader
from realtime.motion.message import decode
from server import first_rung, motion_atlases
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.test_call import speech
from tests.server.test_rooms import joined, new_room

LEARNT_S = 90  # on a busy machine
MEASURED_S = 8
IP_UDP = 28
MAX_KBPS = 32


def count_datagrams(caller: Caller) -> list[tuple[float, int]]:
    """Arrival and size on the wire of every datagram that comes from now on, STUN, DTLS, RTP and RTCP alike."""
    taken: list[tuple[float, int]] = []
    (transport,) = {sender.transport.transport for sender in caller.peer.getSenders()}
    for protocol in transport._connection._protocols:
        hear = protocol.datagram_received

        def count(data: bytes, address: object, hear: Callable[..., None] = hear) -> None:
            taken.append((time.monotonic(), len(data) + IP_UDP))
            hear(data, address)

        protocol.datagram_received = count  # type: ignore[method-assign,assignment]
    return taken


def states(caller: Caller) -> list[str]:
    return [message["state"] for message in caller.messages if message["type"] == "motion"]


async def until(caller: Caller, condition: Callable[[], bool], limit_s: float) -> None:
    """Keeps the call alive meanwhile, as a page does."""
    end_s, looks = time.monotonic() + limit_s, 0
    while not condition():
        assert time.monotonic() < end_s, f"not within {limit_s} s; the server said {caller.messages[-3:]}"
        if looks % 5 == 0:
            caller.ping(looks)
        looks += 1
        await asyncio.sleep(0.2)


def want(caller: Caller, mode: str) -> None:
    caller.channel.send(json.dumps({"type": "mode", "want": mode}))


async def test_a_call_goes_over_to_motion_and_back(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        await until(caller, lambda: len(caller.pictures) > 5, 10)
        want(caller, "motion")
        await until(caller, lambda: "sending" in states(caller), LEARNT_S)
        told = next(message for message in caller.messages if message.get("state") == "sending")
        await until(caller, lambda: sum(len(part) - 4 for part in caller.atlas_parts) == told["bytes"], 20)
        atlas = whole_atlas(caller)
        n_pictures, n_voice, n_motion = (
            len(x) for x in (caller.wire["video"].packets, caller.wire["audio"].packets, caller.motion)
        )
        taken, n_messages = count_datagrams(caller), len(caller.motion)
        began_s = time.monotonic()
        await until(caller, lambda: time.monotonic() > began_s + MEASURED_S, MEASURED_S + 5)
        seconds = time.monotonic() - began_s
        kbps = 8 * sum(size for _, size in taken) / seconds / 1000
        motion_kbps = 8 * sum(len(data) for _, data in caller.motion[n_motion:]) / seconds / 1000
        print(f"{kbps:.1f} kbit/s on the wire, {motion_kbps:.2f} of motion in {len(caller.motion) - n_messages} messages")
        assert kbps <= MAX_KBPS
        assert len(caller.wire["video"].packets) == n_pictures, "pictures went on"
        _the_face_moves_with_the_voice(caller, atlas, n_motion)
        _the_voice_goes_on_without_a_gap(caller, told["rtp_origin"])
        assert len(caller.wire["audio"].packets) - n_voice < 1.1 * seconds / 0.06
        want(caller, "video")
        await until(caller, lambda: states(caller)[-1] == "off", 5)
        await until(caller, lambda: len(caller.wire["video"].packets) > n_pictures + 10, 10)
        _the_voice_goes_on_without_a_gap(caller, told["rtp_origin"])
        await _the_second_time_is_quick(caller)
    assert core(server).engine is not None


async def _the_second_time_is_quick(caller: Caller) -> None:
    n_parts = len(caller.atlas_parts)
    want(caller, "motion")
    await until(caller, lambda: len(caller.atlas_parts) > n_parts, 3)


async def test_without_its_channel_there_is_no_motion_stream(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=speech()) as caller:
        await caller.call()
        want(caller, "motion")
        await until(caller, lambda: bool(states(caller)) and states(caller)[-1] == "off", 5)
        assert caller.messages[-1]["type"] != "goodbye"
        n_pictures = len(caller.pictures)
        await until(caller, lambda: len(caller.pictures) > n_pictures, 5)


async def test_a_client_that_never_stops_asking_does_no_harm(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        for i in range(300):
            want(caller, "motion" if i % 2 == 0 else "video")
            caller.channel.send(b"\x01\x00\xff\xff" * 200)
        await until(caller, lambda: len(caller.pictures) > 5, 10)
        assert len(states(caller)) < 150, "each change of mind was followed"


def whole_atlas(caller: Caller) -> Atlas:
    reader, expected = AtlasReader(), 0
    for part in caller.atlas_parts:
        kind, identity, offset = struct.unpack_from("<2BH", part)
        assert (kind, offset) == (1, expected)
        assert len(part) <= 1100
        reader.push(part[4:])
        expected += len(part) - 4
    assert reader.is_complete
    assert reader.atlas.identity == identity
    return reader.atlas


def _the_face_moves_with_the_voice(caller: Caller, atlas: Atlas, first: int) -> None:
    messages = [decode(data, atlas) for _, data in caller.motion[first:]]
    shown = {message.first_frame + i: frame.coefficients for message in messages for i, frame in enumerate(message.frames)}
    numbers = sorted(shown)
    frames_spoken = sum(1 for row in shown.values() if any(row))
    assert frames_spoken > 5, "the face did not move"
    assert all(later - earlier <= 2 * 13 for earlier, later in pairwise(numbers)), (
        "beyond rest, and what a late server leaves out"
    )
    strongest = max(abs(row[0]) for row in shown.values())
    assert strongest > 10


def _the_voice_goes_on_without_a_gap(caller: Caller, origin: int) -> None:
    """Loud moments follow each other as in the speech: no packet of either voice leaves more than its own 60 ms out."""
    media_ms = np.array([((rtp - origin) % 2**32) / 48 for _, rtp in caller.wire["audio"].packets])
    steps = np.diff(media_ms)
    assert set(np.round(steps % 20, 3)) == {0.0}
    assert steps.min() == 20
    assert steps.max() <= 60 * 8, "more than the longest pause between packets of quiet"
    assert np.percentile(steps, 90) <= 60


async def test_one_who_watches_has_motion_while_the_caller_keeps_video(start_server: StartServer) -> None:
    server = await start_server()
    room = await new_room(server)
    async with joined(server, room, "Anna", pcm=speech()) as anna:
        member = (await anna.told("room"))["you"]
        async with Caller(base=base(server), room=room, watches=member, wants_motion=True) as poor:
            await poor.call()
            want(poor, "motion")
            await until(poor, lambda: len(poor.motion) > 3, LEARNT_S)
            n_poor, n_anna = len(poor.wire["video"].packets), len(anna.wire["video"].packets)
            await until(poor, lambda: len(anna.wire["video"].packets) > n_anna + 10, 20)
            assert len(poor.wire["video"].packets) <= n_poor + 2, "pictures on their way when it changed, and no more"


def rungs(caller: Caller) -> list[str]:
    return [message["rung"] for message in caller.messages if message["type"] == "rung"]


async def test_voice_only_is_voice_only_and_goes_on(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        await until(caller, lambda: len(caller.pictures) > 5, 10)
        want(caller, "voice")
        await until(caller, lambda: rungs(caller)[-1:] == ["voice"], 5)
        n_pictures, n_voice = len(caller.wire["video"].packets), len(caller.wire["audio"].packets)
        began_s = time.monotonic()
        await until(caller, lambda: time.monotonic() > began_s + 3, 5)
        assert len(caller.wire["video"].packets) <= n_pictures + 2, "those on their way"
        assert 5 <= len(caller.wire["audio"].packets) - n_voice <= 3.5 / 0.06
        assert all(data[0] == 0 for _, data in caller.motion), "packet pairs and nothing else"


async def test_a_caller_who_loses_packets_is_led_down(start_server: StartServer) -> None:
    """What the client says with its pings reaches the ladder, and what the ladder says reaches the client."""
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        await until(caller, lambda: rungs(caller) == ["full"], 5)
        end_s = time.monotonic() + 30
        while "slow" not in rungs(caller):
            assert time.monotonic() < end_s, f"still {rungs(caller)}"
            caller.say(type="ping", t=1, line={"loss": 0.2, "round_trip_ms": 40})
            await asyncio.sleep(0.5)
        while not {"motion", "voice"} & set(rungs(caller)):
            assert time.monotonic() < end_s, f"still {rungs(caller)}"
            caller.say(type="ping", t=1, line={"loss": 0.2, "round_trip_ms": 40})
            await asyncio.sleep(0.5)


async def test_a_server_may_end_while_it_learns(start_server: StartServer) -> None:
    """What is left behind would be an error of the test: warnings are."""
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        want(caller, "motion")
        await until(caller, lambda: "learning" in states(caller), 10)
        await core(server).close()
    assert core(server).sessions == {}


async def test_a_full_engine_is_waited_for(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all of the engine's places are taken, a face is learnt as soon as one is free: nobody is told that it is too busy."""
    monkeypatch.setattr(motion_atlases, "AGAIN_S", 0.05)
    server = await start_server(sessions=1)
    engine, portrait = core(server).engine, await core(server).portraits.first()
    assert engine is not None
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        others = [await asyncio.to_thread(engine.open, portrait.crop) for _ in range(2)]  # beside the call
        with pytest.raises(CapacityError):
            await asyncio.to_thread(engine.open, portrait.crop)
        want(caller, "motion")
        await until(caller, lambda: states(caller) == ["learning"], LEARNT_S)
        n_told = len(caller.messages)
        await until(caller, lambda: len(caller.messages) > n_told + 5, LEARNT_S)
        assert states(caller) == ["learning"], "it waits"
        for session in others:
            session.close()
        await until(caller, lambda: "sending" in states(caller), LEARNT_S)
        assert "off" not in states(caller)


async def test_a_slow_handshake_makes_a_call_begin_with_the_voice(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture leaves before a packet pair is told of; then the rung is the pair's."""
    monkeypatch.setattr(first_rung, "SLOW_HANDSHAKE_S", 0.0)
    server = await start_server()
    async with Caller(base=base(server), pcm=speech(), wants_motion=True) as caller:
        await caller.call()
        await until(caller, lambda: rungs(caller) == ["voice"], LEARNT_S)
        await until(caller, lambda: len(caller.motion) >= 2, LEARNT_S)
        assert not caller.wire["video"].packets
        caller.say(type="ping", t=1, line={"pair_ms": 1})
        await until(caller, lambda: rungs(caller) == ["voice", "full"], LEARNT_S)
        await until(caller, lambda: bool(caller.wire["video"].packets), LEARNT_S)
