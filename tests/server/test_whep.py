"""WHEP (draft-ietf-wish-whep), as other players use it: statuses and headers of watching a member of a room."""

import aiohttp
import pytest

from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.test_rooms import joined, new_room

SDP = "application/sdp"
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = "a=mid:0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host\r\n"


async def test_watching_is_a_resource(start_server: StartServer) -> None:
    server = await start_server()
    room = await new_room(server)
    async with joined(server, room, "Anna") as anna:
        member = (await anna.told("room"))["you"]
        async with Caller(base=base(server), room=room, watches=member) as viewer:
            response = await viewer.post(await viewer.offer())
            answer = await response.text()
            assert (response.status, response.content_type) == (201, SDP)
            assert answer.count("a=sendonly") == 2
            assert response.headers["Location"].startswith("/whep/")
            url, etag = base(server) + response.headers["Location"], response.headers["ETag"]
            trickled = await viewer.http.patch(url, data=CANDIDATE, headers={**FRAGMENT, "If-Match": etag})
            assert trickled.status == 204
            wrong = await viewer.http.patch(url, data=CANDIDATE, headers={**FRAGMENT, "If-Match": '"another"'})
            assert wrong.status == 412
            restart = await viewer.http.patch(url, data="a=ice-ufrag:other\r\na=ice-pwd:other\r\n", headers=FRAGMENT)
            assert restart.status == 422
            assert (await viewer.http.patch(url, data=CANDIDATE, headers={"Content-Type": SDP})).status == 415
            for method in ("GET", "POST", "PUT"):
                refused = await viewer.http.request(method, url)
                assert (refused.status, "DELETE" in refused.headers["Allow"]) == (405, True)
            options = await viewer.http.options(url)
            assert options.headers["Accept-Patch"] == FRAGMENT["Content-Type"]
            assert (await viewer.http.delete(url)).status == 200
            assert (await viewer.http.delete(url)).status == 404
        assert not core(server).viewers.sessions


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_a_client_that_could_not_take_the_answer_is_told(start_server: StartServer, kind: str) -> None:
    server = await start_server()
    async with aiohttp.ClientSession() as http:
        for accept, status in (
            ("application/json", 406),
            ("application/sdp;q=0", 406),
            ("text/html, application/SDP;q=0.5", 400),
            ("*/*", 400),
        ):
            query = {"portrait": "eileen-collins"} if kind == "whip" else {"room": await new_room(server), "member": "nobody"}
            response = await http.post(
                f"{base(server)}/{kind}", params=query, data="v=0", headers={"Content-Type": SDP, "Accept": accept}
            )
            assert response.status == (404 if kind == "whep" and status == 400 else status), accept
        options = await http.options(f"{base(server)}/{kind}")
        assert (options.status, options.headers["Accept-Post"]) == (200, SDP)
