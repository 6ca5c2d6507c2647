"""WHIP (RFC 9725), with media both ways on one connection: POST begins a call, PATCH trickles candidates, DELETE ends it; and
WHEP (draft-ietf-wish-whep), by which others watch it."""

import re

from aiohttp import web

from server.call_media import CallMedia
from server.call_server import CallServer
from server.errors import Refusal
from server.session import Session

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
TAKES_SDP = re.compile(r"(application/(sdp|\*)|\*/\*)(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)  # of Accept, RFC 9110, 12.5.1

SERVER = web.AppKey("server", CallServer)
routes = web.RouteTableDef()


@routes.options("/{kind:whip|whep}")
async def options(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.Response(headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


@routes.options("/{kind:whip|whep}/{id}")
async def session_options(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.Response(headers={"Accept-Patch": FRAGMENT, "Allow": "OPTIONS, PATCH, DELETE"})


@routes.post("/whip")
async def begin(request: web.Request) -> web.Response:
    """Section 4.2: 201, Location, ETag, the answer as body. With `room`, the call of a member named `name`."""
    server, query = request.app[SERVER], request.query
    _check_acceptable(request)
    room = server.rooms.get(query["room"]) if "room" in query else None
    sdp = await text_of(request, SDP)
    return _begun("whip", *await server.open_session(query.get("portrait", ""), sdp, room, query.get("name", "")))


@routes.post("/whep")
async def watch(request: web.Request) -> web.Response:
    """The same of draft-ietf-wish-whep, section 4.2: a member of a room, watched."""
    server, query = request.app[SERVER], request.query
    _check_acceptable(request)
    room = server.rooms.get(query.get("room", ""))
    sdp = await text_of(request, SDP)
    return _begun("whep", *await server.open_viewer(room, query.get("member", ""), sdp))


@routes.patch("/{kind:whip|whep}/{id}")
async def trickle(request: web.Request) -> web.Response:
    """RFC 9725, section 4.3.1: 204; an ICE restart (4.3.3) is refused with 422."""
    session = _session(request)
    if request.headers.get("If-Match") not in (None, "*", session.etag):
        raise Refusal(412, "wrong_etag", "If-Match names another ICE session than this call has.")
    await session.add_candidates(await text_of(request, FRAGMENT))
    return web.Response(status=204)


@routes.delete("/{kind:whip|whep}/{id}")
async def end(request: web.Request) -> web.Response:
    await _session(request).close("client_ended")
    return web.Response()


def _check_acceptable(request: web.Request) -> None:
    """Raises Refusal 406 for a client that could not take an answer."""
    accept = request.headers.get("Accept", "")
    if accept and not TAKES_SDP.search(accept):
        raise Refusal(406, "not_acceptable", f"The answer is {SDP}, which Accept does not name.")


def _begun(kind: str, session: Session, answer: str) -> web.Response:
    headers = {"Location": f"/{kind}/{session.id}", "ETag": session.etag}
    return web.Response(status=201, text=answer, content_type=SDP, headers=headers)


def _session(request: web.Request) -> Session:
    server = request.app[SERVER]
    sessions = server.sessions if request.match_info["kind"] == "whip" else server.viewers.sessions
    session = sessions.get(request.match_info["id"])
    if session is None:
        raise _no_such_call()
    return session


def _no_such_call() -> Refusal:
    return Refusal(404, "no_such_call", "There is no such call, or it has ended.")


def call_of(request: web.Request) -> CallMedia:
    """What the call named by the request's path shows and says.

    Raises Refusal 404.
    """
    media = request.app[SERVER].media.get(request.match_info["id"])
    if media is None:
        raise _no_such_call()
    return media


async def text_of(request: web.Request, content_type: str) -> str:
    """The body as text.

    Raises Refusal 415, 413, 400.
    """
    if request.content_type != content_type:
        raise Refusal(415, "wrong_content_type", f"{request.content_type} came, {content_type} was expected.")
    limit = request.app[SERVER].config.limits.offer_bytes
    body = b""
    async for part in request.content.iter_chunked(limit):
        body += part
        if len(body) > limit:
            raise Refusal(413, "too_large", f"More than {limit // 1024} kB came.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, "not_text", "The body is not UTF-8 text.") from error
