"""The server's routes: page, portraits, WHIP signalling, health, metrics."""

import asyncio
import hmac
import logging
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from realtime.clock import Clock, MonotonicClock
from realtime.engine import BATCHES, Engine
from realtime.errors import CapacityError
from realtime.pipeline import Pipeline
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server import aiortc_adjustments
from server.config import ServerConfig
from server.encoders import AUDIO_RATE_HZ, Vp8Encoder
from server.errors import Refusal, full, starting
from server.metrics import Metrics
from server.offer import check_offer
from server.portraits import Portraits
from server.session import Session

log = logging.getLogger(__name__)

PAGE = Path(__file__).resolve().parent.parent / "web_client"
DRAWING_THREADS = 2
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=()",
    "Cache-Control": "no-cache",
}


class Server:
    """Engine, portraits and calls of one process."""

    def __init__(self, config: ServerConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or MonotonicClock()
        self.metrics = Metrics()
        self.sessions: dict[str, Session] = {}
        self.engine: Engine | None = None
        self.pool = ThreadPoolExecutor(DRAWING_THREADS, thread_name_prefix="drawing")
        self.portraits = Portraits(size=config.size, limits=config.limits, clock=self.clock, pool=self.pool)
        self._joining = 0  # calls between their offer and their session: they count against the limit
        self._closing = False
        self.loaded = asyncio.Event()

    async def load(self) -> None:
        """Loads the model in the background, so that the page answers at once."""
        loop = asyncio.get_running_loop()
        runner = await loop.run_in_executor(None, partial(load_runner, self.config.model or default_model()))
        most = self.config.limits.sessions
        engine = Engine(runner, max_sessions=most + 1).__enter__()
        await loop.run_in_executor(None, partial(self._warm_up, engine))
        self.engine = engine
        self.loaded.set()
        self.metrics.future_ms.set(runner.spec.future_ms)
        log.info("the model %s/%s is ready", runner.spec.system, runner.spec.preset)

    def _warm_up(self, engine: Engine) -> None:
        """Everything that is slow the first time, before anyone waits for it: batch sizes, a portrait, half a second of a
        call."""
        for size in (size for size in BATCHES if size <= self.config.limits.sessions):
            engine.runner.compile(size)
        pipeline = Pipeline(self.portraits.first(), engine)
        silence = np.zeros(AUDIO_RATE_HZ // 2, np.int16)
        for future in [*pipeline.push(silence, AUDIO_RATE_HZ), *pipeline.finish()]:
            for frame in future.result():
                Vp8Encoder(self.config.size).encode(frame.image, frame.pts_ms)
        pipeline.close()

    async def open_session(self, portrait_id: str, sdp: str) -> tuple[Session, str]:
        """A new call and the answer to its offer.

        Raises Refusal.
        """
        engine = self.engine
        if engine is None or self._closing:
            raise starting()
        check_offer(sdp, self.config.limits)
        if len(self.sessions) + self._joining >= self.config.limits.sessions:
            raise full(self.config.limits.sessions)
        self._joining += 1
        try:
            portrait = await self.portraits.get(portrait_id)
            loop = asyncio.get_running_loop()
            try:
                pipeline = await loop.run_in_executor(None, partial(Pipeline, portrait, engine, self.pool))
            except CapacityError as error:
                raise full(self.config.limits.sessions) from error
            session = Session(
                config=self.config,
                pipeline=pipeline,
                future_ms=engine.spec.future_ms,
                pool=self.pool,
                clock=self.clock,
                metrics=self.metrics,
                on_closed=self._forget,
            )
            answer = await session.answer(sdp)
            self.sessions[session.id] = session
            self.metrics.sessions.set(len(self.sessions))
            return session, answer
        finally:
            self._joining -= 1

    async def close(self) -> None:
        """Tells every client, ends every call, stops the engine."""
        self._closing = True
        calls = list(self.sessions.values())
        await asyncio.gather(*(session.close("shutdown", goodbye=True) for session in calls))
        if self.engine is not None:
            await asyncio.get_running_loop().run_in_executor(None, partial(self.engine.__exit__, None, None, None))
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _forget(self, session: Session) -> None:
        self.sessions.pop(session.id, None)
        self.metrics.sessions.set(len(self.sessions))


SERVER = web.AppKey("server", Server)
routes = web.RouteTableDef()


def build_app(config: ServerConfig) -> web.Application:
    """The application; its engine loads when it starts up."""
    ice = config.ice_addresses or (("127.0.0.1",) if config.host in ("127.0.0.1", "localhost") else ())
    aiortc_adjustments.apply(ice)
    app = web.Application(client_max_size=config.limits.portrait_bytes + 1024, middlewares=[_refusals, _only_with_token])
    app[SERVER] = Server(config)
    app.add_routes(routes)
    app.router.add_static("/static", PAGE)
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(_lifetime)
    return app


async def _lifetime(app: web.Application):  # type: ignore[no-untyped-def]
    server = app[SERVER]
    loading = asyncio.create_task(server.load())
    loading.add_done_callback(_say_why_not)
    yield
    loading.cancel()
    await server.close()


def _say_why_not(loading: "asyncio.Task[None]") -> None:
    if not loading.cancelled() and (error := loading.exception()) is not None:
        log.critical("the model cannot be loaded: %s", error)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        request.app[SERVER].metrics.refused.labels(refusal.reason).inc()
        return refusal.response()
    except web.HTTPRequestEntityTooLarge:
        limit = request.app[SERVER].config.limits.portrait_bytes
        return Refusal(413, "too_large", f"More than {limit // 2**20} MB came: send a smaller file.").response()


@web.middleware
async def _only_with_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Calls and uploads need the token where one is configured; the page and its list of portraits do not."""
    token = request.app[SERVER].config.token
    guarded = request.path.startswith("/whip") or (request.path == "/api/portraits" and request.method == "POST")
    if token and guarded and request.method != "OPTIONS":
        shown = request.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
            message = "This server asks for an access token: send it as `Authorization: Bearer …`."
            raise Refusal(401, "token_required", message, {"WWW-Authenticate": "Bearer"})
    return await handler(request)


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
    config, engine = server.config, server.engine
    future_ms = engine.spec.future_ms if engine else None
    return web.json_response(
        {
            "version": metadata.version("facewire"),
            "fps": 25,
            "size": config.size,
            "future_audio_ms": future_ms,
            "delay_ms": None if future_ms is None else future_ms + config.processing_ms,
            "token_required": config.token is not None,
            "limits": {"portrait_bytes": config.limits.portrait_bytes, "portrait_pixels": config.limits.portrait_pixels},
        }
    )


@routes.get("/api/portraits")
async def list_portraits(request: web.Request) -> web.Response:
    return web.json_response(request.app[SERVER].portraits.listing())


@routes.post("/api/portraits")
async def add_portrait(request: web.Request) -> web.Response:
    if request.content_type not in ("image/jpeg", "image/png", "image/webp", "application/octet-stream"):
        raise Refusal(415, "not_a_picture", "Send a JPEG, PNG or WebP picture as the body, with its Content-Type.")
    key = await request.app[SERVER].portraits.add(await request.read())
    return web.json_response({"id": key, "preview": f"/api/portraits/{key}/preview"}, status=201)


@routes.get("/api/portraits/{id}/preview")
async def preview(request: web.Request) -> web.Response:
    data = await request.app[SERVER].portraits.preview(request.match_info["id"])
    return web.Response(body=data, content_type="image/jpeg")


@routes.options("/whip")
async def whip_options(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


@routes.post("/whip")
async def whip(request: web.Request) -> web.Response:
    """WHIP (RFC 9725, 4.2), both ways on one connection: 201, Location, ETag, the answer as body."""
    sdp = await _text(request, SDP)
    session, answer = await request.app[SERVER].open_session(request.query.get("portrait", ""), sdp)
    headers = {
        "Location": f"/whip/{session.id}",
        "ETag": session.etag,
        "Access-Control-Expose-Headers": "Location, ETag",
    }
    return web.Response(status=201, text=answer, content_type=SDP, headers=headers)


@routes.patch("/whip/{id}")
async def whip_trickle(request: web.Request) -> web.Response:
    """Trickled candidates (RFC 9725, 4.3.1): 204; an ICE restart is refused with 422."""
    session = _session(request)
    match = request.headers.get("If-Match")
    if match not in (None, "*", session.etag):
        raise Refusal(412, "wrong_etag", "If-Match names another ICE session than this call has.")
    await session.add_candidates(await _text(request, FRAGMENT))
    return web.Response(status=204)


@routes.delete("/whip/{id}")
async def whip_end(request: web.Request) -> web.Response:
    await _session(request).close("client_ended")
    return web.Response(status=200)


def _session(request: web.Request) -> Session:
    session = request.app[SERVER].sessions.get(request.match_info["id"])
    if session is None:
        raise Refusal(404, "no_such_call", "There is no such call, or it has ended.")
    return session


async def _text(request: web.Request, content_type: str) -> str:
    """The body as text.

    Raises Refusal 415, 413, 400.
    """
    if request.content_type != content_type:
        raise Refusal(415, "wrong_content_type", f"{request.content_type} came, {content_type} was expected.")
    limit = request.app[SERVER].config.limits.offer_bytes
    body = await request.content.read(limit + 1)
    while len(body) <= limit and (more := await request.content.read(limit + 1 - len(body))):
        body += more
    if len(body) > limit:
        raise Refusal(413, "too_large", f"More than {limit // 1024} kB came.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, "not_text", "The body is not UTF-8 text.") from error


async def serve(config: ServerConfig, tls: ssl.SSLContext | None, started: Callable[[], None], stop: asyncio.Event) -> None:
    """Runs until `stop` is set, then ends every call and returns."""
    runner = web.AppRunner(build_app(config), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, ssl_context=tls).start()
        started()
        await stop.wait()
    finally:
        await runner.cleanup()
