"""`facewire serve`: the server and its page."""

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from realtime.model_spec import ModelSpec
    from server.config import ServerConfig

LOCAL = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")
MOST_SESSIONS = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for a network (%(default)s)")
    parser.add_argument("--port", type=_at_least(0, 65535), default=8080, help="(%(default)s)")
    parser.add_argument("--token", help="what clients must show; also read from FACEWIRE_TOKEN, where no one else can see it")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERT", "KEY"), help="certificate chain and its private key, PEM")
    parser.add_argument("--self-signed", action="store_true", help="make a certificate for use in a local network")
    most = "calls at once, at most (%(default)s); fewer where the machine is measured to be busy"
    parser.add_argument("--max-sessions", type=_at_least(1), default=MOST_SESSIONS, help=most)
    workers = "processes, each with cores of its own and calls of its own, behind one address (%(default)s)"
    parser.add_argument("--workers", type=_at_least(1, 64), default=1, help=workers)
    parser.add_argument("--size", type=int, default=512, choices=(256, 384, 512), help="side of the picture (%(default)s)")
    parser.add_argument("--model", type=Path, help="model folder written by `facewire export` (the default one is built in)")
    parser.add_argument("--verbose", action="store_true", help="log what the connections do")


def _at_least(least: int, most: int = 10_000) -> Callable[[str], int]:
    """A number of the command line, within bounds."""

    def parse(word: str) -> int:
        number = int(word)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} came, {least} to {most} was expected")
        return number

    parse.__name__ = "number"
    return parse


def run(args: argparse.Namespace) -> int:
    import asyncio
    import signal

    import uvloop

    from realtime.model_spec import read_manifest
    from realtime.weights import default_model
    from server import app, front

    _log(args.verbose)
    config, tls = _config(args), _tls(args)
    spec = read_manifest(config.model or default_model())

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        say = partial(_say_where, config, spec, secure=tls is not None)
        if args.workers > 1:
            await front.serve(config, tls, say, stop, args.workers)
        else:
            await app.serve(config, tls, say, stop)

    uvloop.run(main())
    return 0


def _log(verbose: bool) -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("aioice.ice", "aiortc"):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)
    if verbose:
        logging.getLogger("server").setLevel(logging.DEBUG)


def _config(args: argparse.Namespace) -> "ServerConfig":
    from server.config import Limits, ServerConfig
    from server.push_target import allowed_origins

    return ServerConfig(
        host=args.host,
        port=args.port,
        token=args.token or os.environ.get("FACEWIRE_TOKEN") or None,
        size=args.size,
        model=args.model,
        push_to=allowed_origins(os.environ),
        limits=Limits(sessions=args.max_sessions, busy=_busy()),
    )


def _busy() -> float | None:
    """From FACEWIRE_BUSY_LIMIT, in percent; `off`: calls are taken however busy the machine is.

    Raises ConfigError.
    """
    from realtime.errors import ConfigError
    from server.config import Limits

    word = os.environ.get("FACEWIRE_BUSY_LIMIT", "")
    if word == "off":
        return None
    try:
        return float(word) / 100 if word else Limits().busy
    except ValueError:
        raise ConfigError(f"FACEWIRE_BUSY_LIMIT is {word!r}: a number of percent or `off` was expected") from None


def _tls(args: argparse.Namespace) -> "ssl.SSLContext | None":
    """Raises ConfigError where certificate and key do not fit."""
    from server import tls

    certificate, key = args.tls or (None, None)
    if args.self_signed:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        certificate, key = tls.self_signed(cache / "facewire")
    return tls.context(certificate, key) if certificate and key else None


def _say_where(config: "ServerConfig", spec: "ModelSpec", *, secure: bool) -> None:
    """The page's address, the delay, and what a browser needs to give its microphone."""
    from server.tls import local_addresses

    scheme = "https" if secure else "http"
    for address in local_addresses() if config.host in EVERYWHERE else [config.host]:
        print(f"Facewire: {scheme}://{f'[{address}]' if ':' in address else address}:{config.port}/")
    print(
        f"  model {spec.system}/{spec.preset}: a picture waits for {spec.future_ms} ms of future audio; "
        f"voice and picture leave {spec.future_ms + config.processing_ms} ms after they were spoken, "
        f"up to {spec.future_ms + config.most_processing_ms} under load"
    )
    if config.host not in LOCAL and not secure:
        print("  browsers on other machines give it no microphone over plain HTTP: add --self-signed, or --tls CERT KEY")
    print("  Ctrl-C ends it", flush=True)
