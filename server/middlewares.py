"""What holds for every request: errors in one form, the token, pages of other origins."""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.errors import Refusal
from server.signalling import SERVER

log = logging.getLogger(__name__)

SHARED = re.compile(r"/(whip|whep|api)(/|$)")
PUSHED = re.compile(r"/whip/[^/]*/push(/|$)")  # a room's guests may speak in it, and send nobody elsewhere
GUARDED = re.compile(r"/(whip|whep)(/(?P<session>[^/]*)|$)")
GUARDED_POSTS = ("/api/portraits", "/api/rooms")
CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, ETag, Retry-After",
    "Access-Control-Max-Age": "86400",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as {"error": {"reason", "message"}}, with its true status."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return _refused(request, refusal)
    except web.HTTPRequestEntityTooLarge:
        limit_mb = request.app[SERVER].config.limits.portrait_bytes // 2**20
        return _refused(request, Refusal(413, "too_large", f"More than {limit_mb} MB came: send a smaller file."))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        reason = re.sub(r"[^a-z]+", "_", error.reason.lower())
        return _refused(request, Refusal(error.status, reason, f"{request.method} {request.path[:80]}: {error.reason}.", allow))
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return _refused(request, Refusal(500, "server_error", "The server met a problem; its log says more."))


@web.middleware
async def only_with_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Calls, uploads and new rooms need the token where one is configured; the page, its list of portraits, and whoever comes by
    a room's link do not."""
    token = request.app[SERVER].config.token
    if token is not None and request.method != "OPTIONS" and _is_guarded(request):
        shown = request.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(errors="surrogateescape"), f"Bearer {token}".encode()):
            message = "This server asks for an access token: send it as `Authorization: Bearer …`."
            raise Refusal(401, "token_required", message, {"WWW-Authenticate": "Bearer"})
    return await handler(request)


def _is_guarded(request: web.Request) -> bool:
    found = GUARDED.match(request.path)
    if not found and not (request.method == "POST" and request.path in GUARDED_POSTS):
        return False
    if PUSHED.match(request.path):
        return True
    if request.path == "/api/portraits":
        return not request.app[SERVER].takes_photographs(request.query.get("room", ""))
    session = (found["session"] or "") if found else ""
    return not request.app[SERVER].invites(request.query.get("room", ""), session)


@web.middleware
async def share_with_other_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pages of other origins may call where a token guards the server. Without one they may not: any page that somebody opens
    could otherwise call through the server on their machine."""
    shared = request.app[SERVER].config.token is not None and SHARED.match(request.path)
    if shared and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(headers=CROSS_ORIGIN)
    response = await handler(request)
    if shared:
        response.headers.update(CROSS_ORIGIN)
    return response


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    request.app[SERVER].metrics.refused.labels(refusal.reason).inc()
    return refusal.response()
