"""WHIP (RFC 9725): statuses, headers, limits, tokens."""

import aiohttp
import pytest

from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def test_a_call_is_a_resource(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        response = await caller.post(await caller.offer())
        assert response.status == 201
        assert response.content_type == "application/sdp"
        assert response.headers["ETag"].startswith('"')
        url = base(server) + response.headers["Location"]
        answer = await response.text()
        assert "a=sendrecv" in answer
        assert "a=sendonly" in answer
        candidate = "a=candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host"
        trickled = await caller.http.patch(url, data=f"a=mid:0\r\n{candidate}\r\n", headers=FRAGMENT)
        assert trickled.status == 204
        assert (await caller.http.delete(url)).status == 200
        assert (await caller.http.delete(url)).status == 404
    assert not core(server).sessions


async def test_a_restart_of_ice_is_refused(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        response = await caller.post(await caller.offer())
        url = base(server) + response.headers["Location"]
        restart = await caller.http.patch(url, data="a=ice-ufrag:other\r\na=ice-pwd:other\r\n", headers=FRAGMENT)
        assert restart.status == 422
        wrong = await caller.http.patch(url, data="", headers={**FRAGMENT, "If-Match": '"another"'})
        assert wrong.status == 412
        bad = await caller.http.patch(url, data="a=candidate:nonsense\r\n", headers=FRAGMENT)
        assert bad.status == 400


async def test_what_is_no_offer_is_refused_with_a_reason(start_server: StartServer) -> None:
    server = await start_server()
    whip = f"{base(server)}/whip?portrait=eileen-collins"
    async with aiohttp.ClientSession() as http:
        for data, headers, status, reason in (
            (b"v=0", {"Content-Type": "text/plain"}, 415, "wrong_content_type"),
            (b"a" * 70_000, SDP, 413, "too_large"),
            (b"\xff\xfe", SDP, 400, "not_text"),
            (b"", SDP, 400, "bad_offer"),
        ):
            response = await http.post(whip, data=data, headers=headers)
            assert response.status == status
            assert (await response.json())["error"]["reason"] == reason
        assert (await http.options(f"{base(server)}/whip")).headers["Accept-Post"] == "application/sdp"
        assert (await http.get(f"{base(server)}/whip")).status == 405


async def test_a_portrait_that_is_not_there(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), portrait="nobody") as caller:
        response = await caller.post(await caller.offer())
        assert response.status == 404
        assert (await response.json())["error"]["reason"] == "portrait_unknown"


async def test_a_full_server_says_when_to_come_back(start_server: StartServer) -> None:
    server = await start_server(sessions=1)
    async with Caller(base=base(server)) as first, Caller(base=base(server)) as second:
        await first.call()
        response = await second.post(await second.offer())
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert (await response.json())["error"]["reason"] == "server_full"


@pytest.mark.parametrize(("shown", "status"), [(None, 401), ("wrong", 401), ("right", 201)])
async def test_a_token_is_asked_for(start_server: StartServer, shown: str | None, status: int) -> None:
    server = await start_server(token="right")
    async with Caller(base=base(server), token=shown) as caller:
        response = await caller.post(await caller.offer())
        assert response.status == status
        assert (status == 401) == ("WWW-Authenticate" in response.headers)


async def test_health_page_and_metrics(start_server: StartServer) -> None:
    server = await start_server()
    async with aiohttp.ClientSession() as http:
        for path in ("/healthz", "/readyz", "/", "/api/config", "/api/portraits", "/static/main.js"):
            response = await http.get(base(server) + path)
            assert response.status == 200, path
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        text = await (await http.get(f"{base(server)}/metrics")).text()
        assert "facewire_future_audio_ms 155.0" in text
        assert (await http.get(f"{base(server)}/static/../facewire.py")).status in (403, 404)
