"""The address that a server listens on."""

import ssl

from aiohttp import web

from realtime.errors import ConfigError
from server.config import ServerConfig


async def listen(runner: web.AppRunner, config: ServerConfig, tls: ssl.SSLContext | None) -> None:
    """Raises ConfigError where the address cannot be had."""
    try:
        await web.TCPSite(runner, config.host, config.port, ssl_context=tls).start()
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            f"{config.host}:{config.port} cannot be listened on ({why}): choose another --host or --port"
        ) from error
