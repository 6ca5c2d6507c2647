"""A call's avatar on another server: sent there over WHIP, connected again where it is lost, ended; and where it may not go."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

from realtime.errors import ConfigError
from server import push as pushing
from server.ladder import Ladder, Rung
from server.push_target import VARIABLE, allowed_origins
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.test_call import speech
from tests.server.test_rooms import new_room
from tests.server.waiting import until
from tests.server.whip_endpoint import WhipEndpoint


@pytest.fixture
async def endpoint() -> AsyncIterator[WhipEndpoint]:
    async with WhipEndpoint(token="theirs") as running:
        yield running


async def allowing(start_server: StartServer, endpoint: WhipEndpoint, **settings: object) -> TestServer:
    server = await start_server(**settings)
    core(server).pushes.origins = allowed_origins({VARIABLE: endpoint.origin})
    return server


async def push(caller: Caller, call: str, endpoint: str, token: str = "theirs", **headers: str) -> ClientResponse:
    return await caller.http.post(f"{call}/push", json={"endpoint": endpoint, "token": token}, headers=headers)


async def test_an_avatar_is_seen_and_heard_on_another_server(
    start_server: StartServer, endpoint: WhipEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)  # its choice for a busy machine has no say
    server = await allowing(start_server, endpoint)
    async with Caller(base=base(server), pcm=speech()) as caller:
        call = await caller.call()
        begun = await push(caller, call, endpoint.url)
        assert begun.status == 201
        place = base(server) + begun.headers["Location"]
        await until(lambda: len(endpoint.pictures) > 20 and len(endpoint.sound) > 100)
        assert endpoint.pictures[-1].shape == (256, 256, 3)
        assert np.abs(np.concatenate(endpoint.sound)).max() > 3_000
        moved = np.abs(np.diff(np.stack(endpoint.pictures).astype(np.int16), axis=0)).max()
        assert moved > 20
        told = await (await caller.http.get(place)).json()
        assert (told["state"], told["reason"], told["connections"]) == ("live", "", 1)
        encoders = next(iter(core(server).sessions.values()))._media._pictures._encoders  # type: ignore[attr-defined]
        made = [kind for kind, encoder in encoders.items() if encoder._codec is not None]
        assert len(made) == 1, "the caller's own picture and the one that is pushed are one encode"
        assert (await caller.http.delete(place)).status == 200
        assert endpoint.deleted == [0], "the other server was told"
        assert (await caller.http.get(place)).status == 404
        n_pictures = len(caller.received["video"])
        await until(lambda: len(caller.received["video"]) > n_pictures + 10)


async def test_it_is_connected_again(start_server: StartServer, endpoint: WhipEndpoint) -> None:
    """A server that is busy at first, and one that ends the connection."""
    endpoint.refuses = [503]
    server = await allowing(start_server, endpoint)
    async with Caller(base=base(server), pcm=speech()) as caller:
        place = base(server) + (await push(caller, await caller.call(), endpoint.url)).headers["Location"]
        await until(lambda: len(endpoint.pictures) > 5)
        await endpoint.peers[0].close()
        endpoint.forget()
        await until(lambda: len(endpoint.peers) > 1 and len(endpoint.pictures) > 5)
        assert endpoint.deleted == [0]
        assert (await (await caller.http.get(place)).json())["connections"] == 2


async def test_one_that_is_ended_while_it_leaves_has_told_the_other_server(
    start_server: StartServer, endpoint: WhipEndpoint
) -> None:
    server = await allowing(start_server, endpoint)
    endpoint.slow_s = 0.5
    async with Caller(base=base(server), pcm=speech()) as caller:
        place = base(server) + (await push(caller, await caller.call(), endpoint.url)).headers["Location"]
        await until(lambda: len(endpoint.pictures) > 2)
        (running,) = core(server).pushes._pushes.values()
        await endpoint.peers[0].close()
        await until(lambda: running._leaving is not None)
        assert endpoint.deleted == []
        assert (await caller.http.delete(place)).status == 200
        assert endpoint.deleted == [0]


async def test_it_ends_with_the_call(start_server: StartServer, endpoint: WhipEndpoint) -> None:
    server = await allowing(start_server, endpoint)
    async with Caller(base=base(server), pcm=speech()) as caller:
        call = await caller.call()
        await push(caller, call, endpoint.url)
        await until(lambda: len(endpoint.pictures) > 2)
        await caller.http.delete(call)
        await until(lambda: endpoint.deleted == [0])
    assert not core(server).pushes._pushes


@pytest.mark.parametrize(("token", "status"), [("theirs", 404), ("wrong", 401)])
async def test_what_the_other_server_refuses_is_not_asked_again(start_server: StartServer, token: str, status: int) -> None:
    async with WhipEndpoint(token="theirs", refuses=[404]) as endpoint:
        server = await allowing(start_server, endpoint)
        async with Caller(base=base(server)) as caller:
            begun = await push(caller, await caller.call(), endpoint.url, token)
            (running,) = core(server).pushes._pushes.values()
            await until(lambda: running.state == "refused")
            told = await (await caller.http.get(base(server) + begun.headers["Location"])).json()
            assert str(status) in told["reason"]


async def test_an_offer_is_not_carried_on_to_a_server_that_is_not_allowed(start_server: StartServer) -> None:
    async with WhipEndpoint() as inner, WhipEndpoint(moved_to=inner.url) as endpoint:
        server = await allowing(start_server, endpoint)
        async with Caller(base=base(server)) as caller:
            await push(caller, await caller.call(), endpoint.url)
            (running,) = core(server).pushes._pushes.values()
            await until(lambda: running.state == "refused")
            core(server).pushes.origins = (endpoint.origin, inner.origin)
            await push(caller, caller_url(server), endpoint.url)
            await until(lambda: len(inner.peers) == 1)
            assert len(inner.peers) == 1


async def test_a_token_is_shown_to_the_server_that_it_is_for_alone(start_server: StartServer) -> None:
    """A redirection to another origin is followed without it, and what is deleted there, too."""
    async with WhipEndpoint() as other, WhipEndpoint(moved_to=other.url, token="theirs") as endpoint:
        server = await allowing(start_server, endpoint)
        core(server).pushes.origins = (endpoint.origin, other.origin)
        async with Caller(base=base(server)) as caller:
            begun = await push(caller, await caller.call(), endpoint.url)
            await until(lambda: len(other.pictures) > 2)
            await caller.http.delete(base(server) + begun.headers["Location"])
    assert endpoint.shown == ["Bearer theirs"]
    assert other.shown == ["", ""]
    assert other.deleted == [0]


async def test_it_is_shown_in_the_end_too(start_server: StartServer, endpoint: WhipEndpoint) -> None:
    """To delete, on its own origin; what it names elsewhere is deleted without it."""
    async with WhipEndpoint() as other:
        server = await allowing(start_server, endpoint)
        core(server).pushes.origins = (endpoint.origin, other.origin)
        async with Caller(base=base(server)) as caller:
            call = await caller.call()
            for names, shown_here, shown_there in (("", 2, 0), (f"{other.origin}/live/session/0", 1, 1)):
                endpoint.names, endpoint.shown, other.shown, other.peers = names, [], [], endpoint.peers
                begun = await push(caller, call, endpoint.url)
                endpoint.forget()
                await until(lambda: len(endpoint.pictures) > 2)
                await caller.http.delete(base(server) + begun.headers["Location"])
                assert endpoint.shown == ["Bearer theirs"] * shown_here
                assert other.shown == [""] * shown_there


async def test_what_was_refused_takes_no_place(start_server: StartServer) -> None:
    """Its reason can be asked for as long as there are not too many of them."""
    async with WhipEndpoint(refuses=[404, 410, 403]) as endpoint:
        server = await allowing(start_server, endpoint, pushes=1)
        async with Caller(base=base(server)) as caller:
            call, places = await caller.call(), []
            for status in (404, 410, 403):
                begun = await push(caller, call, endpoint.url)
                assert begun.status == 201
                places.append(base(server) + begun.headers["Location"])
                running = core(server).pushes._pushes[places[-1].rpartition("/")[2]]
                await until(lambda running=running: running.is_over)  # type: ignore[misc]
                assert str(status) in (await (await caller.http.get(places[-1])).json())["reason"]
            assert (await push(caller, call, endpoint.url)).status == 201
            await until(lambda: len(endpoint.pictures) > 2)
            assert (await push(caller, call, endpoint.url)).status == 503
            assert [(await caller.http.get(place)).status for place in places] == [404, 404, 200]


async def test_a_server_that_stays_away_is_given_up(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "GIVEN_UP_AFTER_S", 1.0)
    async with WhipEndpoint() as endpoint:
        server, gone = await allowing(start_server, endpoint, pushes=1), endpoint.url
    async with Caller(base=base(server)) as caller:
        call = await caller.call()
        begun = await push(caller, call, gone)
        assert (await push(caller, call, gone)).status == 503
        (running,) = core(server).pushes._pushes.values()
        await until(lambda: running.is_over)
        told = await (await caller.http.get(base(server) + begun.headers["Location"])).json()
        assert (told["state"], told["connections"]) == ("given_up", 0)
        assert "cannot be reached" in told["reason"]
        assert (await push(caller, call, gone)).status == 201


def caller_url(server: TestServer) -> str:
    (key,) = core(server).sessions
    return f"{base(server)}/whip/{key}"


async def test_where_it_may_not_be_pushed(start_server: StartServer, endpoint: WhipEndpoint) -> None:
    server = await start_server(pushes=0)
    async with Caller(base=base(server)) as caller:
        call = await caller.call()
        refused = await push(caller, call, endpoint.url)
        assert (refused.status, (await refused.json())["error"]["reason"]) == (403, "push_disabled")
        core(server).pushes.origins = (endpoint.origin,)
        host = endpoint.origin.removeprefix("http://")
        for where, status, reason in (
            ("http://169.254.169.254/latest", 403, "endpoint_not_allowed"),
            (endpoint.origin.replace("http:", "https:") + "/live", 403, "endpoint_not_allowed"),
            (f"http://{host.split(':')[0]}:1/live", 403, "endpoint_not_allowed"),
            (f"http://user:word@{host}/live", 400, "bad_endpoint"),
            (f"file://{host}/etc/passwd", 400, "bad_endpoint"),
            ("http://[", 400, "bad_endpoint"),
            (endpoint.url, 503, "server_full"),
        ):
            refused = await push(caller, call, where)
            assert (refused.status, (await refused.json())["error"]["reason"]) == (status, reason), where
        refused = await push(caller, call, endpoint.url, "two\r\nHost: other")
        assert (refused.status, (await refused.json())["error"]["reason"]) == (400, "bad_token")
        for body in (b"{", b"[]", b'{"endpoint": 1}', b"[" * 5000):
            refused = await caller.http.post(f"{call}/push", data=body, headers={"Content-Type": "application/json"})
            assert refused.status == 400
        assert (await caller.http.post(f"{call}/push", data=b"{}", headers={"Content-Type": "text/plain"})).status == 415
        assert (await push(caller, f"{base(server)}/whip/nobody", endpoint.url)).status == 404
    assert not endpoint.peers


async def test_a_guest_of_a_room_needs_the_token_to_push(start_server: StartServer, endpoint: WhipEndpoint) -> None:
    server = await allowing(start_server, endpoint, token="ours")
    room = await new_room(server, Authorization="Bearer ours")
    async with Caller(base=base(server), room=room, name="Guest") as guest:
        call = await guest.call()
        assert (await push(guest, call, endpoint.url)).status == 401
        assert (await push(guest, call, endpoint.url, Authorization="Bearer ours")).status == 201
        await until(lambda: len(endpoint.pictures) > 2)


@pytest.mark.parametrize("origin", ["live.example.org", "ftp://live.example.org", "https://live.example.org/whip", "https://"])
def test_an_operator_s_mistake_is_told_at_the_start(origin: str) -> None:
    with pytest.raises(ConfigError, match=VARIABLE):
        allowed_origins({VARIABLE: origin})


def test_an_operator_s_origins() -> None:
    assert allowed_origins({}) == ()
    assert allowed_origins({VARIABLE: "https://a.example.org/  http://127.0.0.1:8889"}) == (
        "https://a.example.org",
        "http://127.0.0.1:8889",
    )
