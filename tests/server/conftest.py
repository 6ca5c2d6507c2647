"""The real server in this process: real engine, embedded weights, media on loopback only."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from realtime.compositor import Compositor
from realtime.layers import FaceLayers
from server import first_rung
from server.app import LOADING, build_app
from server.call_server import CallServer
from server.config import Limits, ServerConfig
from server.ladder import Ladder, Rung
from server.signalling import SERVER
from server.tracing import Tracing

LEARNT_S = 60

StartServer = Callable[..., Awaitable[TestServer]]


@pytest.fixture(autouse=True)
def no_handshake_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine one takes long, and says nothing of the line."""
    monkeypatch.setattr(first_rung, "SLOW_HANDSHAKE_S", 60.0)


@pytest.fixture
def always_video(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole pictures and the whole voice for all: the ladder's choice for a busy machine has no say."""
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """start_server(**limits, size or token) → a server that takes calls; stopped after the test."""
    running: list[TestServer] = []

    async def start(token: str | None = None, size: int = 256, tracing: Tracing | None = None, **limits: Any) -> TestServer:
        bounds = Limits(**{"sessions": 2, "busy": None, **limits})
        config = ServerConfig(size=size, token=token, ice_addresses=("127.0.0.1",), limits=bounds)
        server = TestServer(build_app(config, tracing))
        await server.start_server()
        running.append(server)
        await server.app[LOADING]
        return server

    yield start
    for server in running:
        await server.close()


def core(server: TestServer) -> CallServer:
    """Engine, portraits and calls of a running server."""
    return server.app[SERVER]


async def nothing_is_learnt(server: TestServer) -> None:
    """Returns once no portrait's motion is being learnt: that takes a place of the engine, and may outlast its call."""
    async with asyncio.timeout(LEARNT_S):
        while core(server).atlases.learning:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def base(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")


def draw_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture from now on takes 0.15 s to draw."""
    layers = Compositor.layers

    def slowly(self: Compositor, *arguments: Any) -> FaceLayers:
        time.sleep(0.15)
        return layers(self, *arguments)

    monkeypatch.setattr(Compositor, "layers", slowly)
