"""`/whip/CALL/push`: a call's avatar, sent on to another WHIP server."""

import json
from typing import Any

from aiohttp import web

from server.errors import Refusal
from server.push import Push
from server.push_target import target_of
from server.signalling import SERVER, call_of, text_of

JSON = "application/json"
routes = web.RouteTableDef()


@routes.post("/whip/{id}/push")
async def begin(request: web.Request) -> web.Response:
    """{"endpoint", "token"} → 201, Location."""
    server, call = request.app[SERVER], call_of(request)
    target = target_of(_parsed(await text_of(request, JSON)), server.pushes.origins)
    push = server.pushes.begin(call, target)
    headers = {"Location": f"/whip/{request.match_info['id']}/push/{push.id}"}
    return web.json_response(push.described(), status=201, headers=headers)


@routes.get("/whip/{id}/push/{push}")
async def look(request: web.Request) -> web.Response:
    return web.json_response(_push(request).described())


@routes.delete("/whip/{id}/push/{push}")
async def end(request: web.Request) -> web.Response:
    await request.app[SERVER].pushes.end(_push(request))
    return web.Response()


def _push(request: web.Request) -> Push:
    return request.app[SERVER].pushes.get(call_of(request), request.match_info["push"])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_endpoint", "The body is not JSON.") from error
