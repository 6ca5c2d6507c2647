"""One public address before several workers: hands each request to the worker that it is for.

What names a call, a room or a photograph goes to the worker that gave the name. What begins one goes to the worker with most
room; where that refuses because it is full, to the next. Media does not come through here: each worker has sockets of its own.
"""

import asyncio
import re
import ssl
from collections.abc import Callable

import aiohttp
from aiohttp import web

from server import names
from server.config import ServerConfig
from server.errors import Refusal
from server.listening import listen
from server.merged_metrics import merge
from server.workers import Worker, Workers

NAMED = re.compile(r"/(?:whip|whep|api/rooms|api/portraits)/([^/]+)")
NAMING_QUERIES = ("room", "portrait")
BEGINNINGS = ("/whip", "/api/rooms", "/api/portraits")
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-encoding"}
MOST_BODY_BYTES = 32 * 2**20  # what is sent to more than one worker in turn is kept; each worker's own limits are lower
ASKED_S = 2.0
ANSWER_S = 60.0
ROOM = re.compile(r"^facewire_headroom_sessions (\S+)$", re.MULTILINE)
CALLS = re.compile(r"^facewire_sessions (\S+)$", re.MULTILINE)


class Front:
    """The parent's web application."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._clients: dict[int, aiohttp.ClientSession] = {}
        self._next = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        app.on_cleanup.append(self._close)
        return app

    async def _health(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """Ready once every worker is."""
        asked = [self._ask(worker, "/readyz") for worker in self._workers.all]
        ready = all(text is not None for text in await asyncio.gather(*asked))
        return web.Response(text="ready\n") if ready else starting().response()

    async def _metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002
        texts = await asyncio.gather(*(self._ask(worker, "/metrics") for worker in self._workers.all))
        of_workers = {worker.number: text for worker, text in zip(self._workers.all, texts, strict=True) if text is not None}
        return web.Response(text=merge(of_workers), content_type="text/plain")

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = starting().response()
        for worker in await self._candidates(request):
            try:
                answer = await self._forward(worker, request, body)
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue  # it is being started again
            if answer.status != 503:
                break
        return answer

    async def _candidates(self, request: web.Request) -> list[Worker]:
        """Whom to ask, one after the other."""
        found = NAMED.match(request.path)
        named = [found[1]] if found else [request.query[key] for key in NAMING_QUERIES if key in request.query]
        numbers = [number for name in named if (number := names.worker_of(name)) is not None]
        every = self._workers.all
        if numbers:
            return [worker for worker in every if worker.number == numbers[0]]
        if request.method == "POST" and request.path in BEGINNINGS:
            return await self._most_room_first()
        self._next += 1
        return [*every[self._next % len(every) :], *every[: self._next % len(every)]]

    async def _most_room_first(self) -> list[Worker]:
        """By what each has measured; of those that are alike, by its calls."""
        texts = await asyncio.gather(*(self._ask(worker, "/metrics") for worker in self._workers.all))

        def room(text: str | None) -> tuple[float, float]:
            left, calls = ROOM.search(text or ""), CALLS.search(text or "")
            return float(left[1]) if left else -1.0, -float(calls[1]) if calls else 0.0

        ranked = sorted(zip(texts, self._workers.all, strict=True), key=lambda pair: room(pair[0]), reverse=True)
        return [worker for _, worker in ranked]

    async def _forward(self, worker: Worker, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers.pop("Content-Length", None)
        where = f"http://worker{request.rel_url}"
        async with self._client(worker).request(
            request.method, where, headers=headers, data=body or None, allow_redirects=False, timeout=_within(ANSWER_S)
        ) as answer:
            content = await answer.read()
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            return web.Response(
                status=answer.status,
                body=content,
                headers=[(name, value) for name, value in kept if name.lower() != "content-length"],
            )

    async def _ask(self, worker: Worker, path: str) -> str | None:
        """The text of a worker's page; None where it gives none."""
        try:
            async with self._client(worker).get(f"http://worker{path}", timeout=_within(ASKED_S)) as answer:
                return await answer.text() if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _client(self, worker: Worker) -> aiohttp.ClientSession:
        if worker.number not in self._clients:
            connector = aiohttp.UnixConnector(path=str(worker.socket))
            self._clients[worker.number] = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._clients[worker.number]

    async def _close(self, app: web.Application) -> None:  # noqa: ARG002
        for client in self._clients.values():
            await client.close()


def starting() -> Refusal:
    return Refusal(503, "starting", "A part of this server is being started: try again in a moment.", {"Retry-After": "1"})


async def serve(
    config: ServerConfig, tls: ssl.SSLContext | None, started: Callable[[], None], stop: asyncio.Event, workers: int
) -> None:
    """Runs until `stop` is set, then ends every call and returns.

    Raises ConfigError where the address cannot be had.
    """
    async with Workers(config, workers) as running:
        runner = web.AppRunner(Front(running).app(), access_log=None)
        await runner.setup()
        try:
            await listen(runner, config, tls)
            started()
            await stop.wait()
        finally:
            await runner.cleanup()


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)
