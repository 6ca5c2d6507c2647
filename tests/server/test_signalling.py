"""WHIP (RFC 9725): statuses, headers, limits, tokens."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from server.portraits import SHIPPED
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
PHOTOGRAPH = next(SHIPPED.glob("*.jpg")).read_bytes()


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


async def test_candidates_are_bounded_over_all_fragments(start_server: StartServer) -> None:
    server = await start_server(candidates=5)
    async with Caller(base=base(server)) as caller:
        response = await caller.post(await caller.offer())  # has one or more
        url = base(server) + response.headers["Location"]
        statuses = []
        for port in range(50_000, 50_006):
            candidate = f"a=mid:0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 {port} typ host\r\n"
            statuses.append((await caller.http.patch(url, data=candidate, headers=FRAGMENT)).status)
        assert statuses[0] == 204
        assert statuses[-1] == 400
        assert statuses == sorted(statuses)


async def test_candidates_over_tcp_and_unknown_lines_are_passed_over(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        response = await caller.post(await caller.offer())
        url = base(server) + response.headers["Location"]
        text = "a=mid:0\r\na=candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active\r\na=end-of-candidates\r\na=of-tomorrow\r\n"
        assert (await caller.http.patch(url, data=text, headers=FRAGMENT)).status == 204
        assert (await caller.http.patch(url, data=text, headers=SDP)).status == 415


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
        options = await http.options(f"{base(server)}/whip")
        assert (options.status, options.headers["Accept-Post"]) == (200, "application/sdp")


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
        assert f"facewire_future_audio_ms {core(server).future_audio_ms}.0" in text
        assert (await http.get(f"{base(server)}/static/../facewire.py")).status in (403, 404)


async def test_every_error_has_one_form(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await start_server()
    monkeypatch.setattr(core(server).portraits, "listing", lambda: 1 / 0)
    async with aiohttp.ClientSession() as http:
        for method, path, status, reason in (
            ("GET", "/nowhere", 404, "not_found"),
            ("GET", "/whip", 405, "method_not_allowed"),
            ("DELETE", "/whip/nobody", 404, "no_such_call"),
            ("POST", "/api/portraits", 415, "not_a_picture"),
            ("GET", "/api/portraits/nobody/preview", 404, "portrait_unknown"),
            ("GET", "/api/portraits", 500, "server_error"),
        ):
            response = await http.request(method, base(server) + path, headers={"Content-Type": "text/plain"})
            assert response.status == status, path
            error = (await response.json())["error"]
            assert error["reason"] == reason
            assert error["message"].endswith(".")
        assert "Allow" in (await http.get(f"{base(server)}/whip")).headers


@pytest.mark.parametrize("token", [None, "right"])
async def test_pages_of_other_origins_may_call_where_a_token_guards(start_server: StartServer, token: str | None) -> None:
    server = await start_server(token=token)
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    async with aiohttp.ClientSession() as http:
        preflight = await http.options(f"{base(server)}/whip?portrait=eileen-collins", headers=asked)
        refused = await http.post(f"{base(server)}/whip", headers={**SDP, "Origin": "https://elsewhere.example"})
        page = await http.get(base(server))
    shared = [("Access-Control-Allow-Origin" in response.headers) for response in (preflight, refused, page)]
    assert shared == ([True, True, False] if token else [False, False, False])
    if token:
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Location" in refused.headers["Access-Control-Expose-Headers"]


async def test_a_photograph_becomes_a_portrait_that_can_be_called_with(start_server: StartServer) -> None:
    server = await start_server(portrait_bytes=200_000)
    url = f"{base(server)}/api/portraits"
    async with aiohttp.ClientSession() as http:
        response = await http.post(url, data=PHOTOGRAPH, headers={"Content-Type": "image/jpeg"})
        assert response.status == 201
        uploaded = await response.json()
        preview = await http.get(base(server) + uploaded["preview"])
        assert preview.content_type == "image/jpeg"
        unreadable = await http.post(url, data=b"no picture", headers={"Content-Type": "image/png"})
        assert (unreadable.status, (await unreadable.json())["error"]["reason"]) == (422, "unreadable")
        announced = await http.post(url, data=bytes(300_000), headers={"Content-Type": "image/png"})
        unannounced = await http.post(url, data=_in_parts(300_000), headers={"Content-Type": "image/png"})
        assert (announced.status, unannounced.status) == (413, 413)
    async with Caller(base=base(server), portrait=uploaded["id"]) as caller:
        await caller.call()
        assert core(server).portraits._uploaded[uploaded["id"]].calls == 1
        async with asyncio.timeout(2):
            await caller.wire["video"].began.wait()


async def _in_parts(size: int) -> AsyncIterator[bytes]:
    for _ in range(10):
        yield bytes(size // 10)
