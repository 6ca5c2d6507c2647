"""The web application: page, portraits, health and metrics; signalling has its own file."""

import asyncio
import ipaddress
import os
import ssl
from collections.abc import AsyncIterator, Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from realtime.model_spec import FRAME_MS
from server import aiortc_adjustments, push_routes, signalling
from server.call_server import CallServer
from server.config import ServerConfig
from server.errors import Refusal, starting
from server.listening import listen
from server.memory import set_aside
from server.middlewares import answer_refusals, only_with_token, share_with_other_origins
from server.signalling import SERVER
from server.tracing import Tracing, from_environment

PAGE = Path(__file__).resolve().parent.parent / "web_client"
PHOTOGRAPHS = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
SHUTDOWN_S = 5
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=()",
    "Cache-Control": "no-cache",
}

LOADING: web.AppKey["asyncio.Task[None]"] = web.AppKey("loading", asyncio.Task)
routes = web.RouteTableDef()


def build_app(config: ServerConfig, tracing: Tracing | None = None) -> web.Application:
    """The application; its model loads while it already answers."""
    aiortc_adjustments.apply(config.ice_addresses or _address_of(config.host))
    app = web.Application(
        client_max_size=config.limits.portrait_bytes,
        middlewares=[share_with_other_origins, answer_refusals, only_with_token],
    )
    app[SERVER] = CallServer(config, tracing)
    app.add_routes(routes)
    app.add_routes(signalling.routes)
    app.add_routes(push_routes.routes)
    app.router.add_static("/static", PAGE)
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(_lifetime)
    return app


async def serve(
    config: ServerConfig,
    tls: ssl.SSLContext | None,
    started: Callable[[], None],
    stop: asyncio.Event,
    socket: Path | None = None,
) -> None:
    """Runs until `stop` is set, then ends every call and returns. socket: of a worker; it listens there and nowhere else.

    Raises ConfigError where the address cannot be had, ModelError where the model cannot be loaded.
    """
    tracing = from_environment(os.environ)
    app = build_app(config, tracing)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        if socket is not None:
            await web.UnixSite(runner, str(socket)).start()
        else:
            await listen(runner, config, tls)
        started()
        stopping = asyncio.create_task(stop.wait())
        first: set[asyncio.Task[Any]] = {app[LOADING], stopping}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if app[LOADING].done():
            app[LOADING].result()
            set_aside()
        await stopping
    finally:
        await runner.cleanup()
        if tracing is not None:
            await asyncio.get_running_loop().run_in_executor(None, tracing.close)


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    app[LOADING] = asyncio.create_task(app[SERVER].load(), name="load the model")
    yield
    app[LOADING].cancel()
    await asyncio.wait({app[LOADING]})
    await app[SERVER].close()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _address_of(host: str) -> tuple[str, ...]:
    """Media is offered where the page is: at one address, or at all of them."""
    if host == "localhost":
        return ("127.0.0.1",)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ()
    return () if address.is_unspecified else (host,)


@routes.get("/")
async def page(request: web.Request) -> web.StreamResponse:  # noqa: ARG001
    return web.FileResponse(PAGE / "index.html")


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.Response(text="ok\n")


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    if request.app[SERVER].engine is None:
        raise starting()
    return web.Response(text="ready\n")


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    body = generate_latest(request.app[SERVER].metrics.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@routes.get("/api/config")
async def api_config(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    config = server.config
    return web.json_response(
        {
            "version": metadata.version("facewire"),
            "fps": 1000 // FRAME_MS,
            "size": config.size,
            "future_audio_ms": server.future_audio_ms,
            "delay_ms": server.delay_ms,
            "token_required": config.token is not None,
            "limits": {"portrait_bytes": config.limits.portrait_bytes, "portrait_pixels": config.limits.portrait_pixels},
        }
    )


@routes.get("/api/portraits")
async def list_portraits(request: web.Request) -> web.Response:
    return web.json_response(request.app[SERVER].portraits.listing())


@routes.post("/api/portraits")
async def add_portrait(request: web.Request) -> web.Response:
    if request.content_type not in PHOTOGRAPHS:
        raise Refusal(415, "not_a_picture", "Send a JPEG, PNG or WebP picture as the body, with its Content-Type.")
    limit, announced = request.app[SERVER].config.limits.portrait_bytes, request.content_length or 0
    if announced > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=announced)
    key = await request.app[SERVER].portraits.add(request.read)
    return web.json_response({"id": key, "preview": f"/api/portraits/{key}/preview"}, status=201)


@routes.post("/api/rooms")
async def open_room(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    room = server.rooms.open(photographs=request.query.get("photographs") == "guests")
    server.metrics.rooms.set(len(server.rooms))
    return web.json_response({"id": room.id, "limit": room.limit, "link": f"/?room={room.id}"}, status=201)


@routes.get("/api/rooms/{id}")
async def find_room(request: web.Request) -> web.Response:
    room = request.app[SERVER].rooms.get(request.match_info["id"])
    return web.json_response({"id": room.id, "limit": room.limit, "members": len(room.members), "photographs": room.photographs})


@routes.get("/api/portraits/{id}/preview")
async def preview(request: web.Request) -> web.Response:
    data, kind = await request.app[SERVER].portraits.preview(request.match_info["id"], light="light" in request.query)
    return web.Response(body=data, content_type=kind, headers={"Cache-Control": "private, max-age=600"})  # an id is one picture's
