"""`facewire serve`: the server and its page."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for a network (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="(%(default)s)")
    parser.add_argument("--token", help="what clients must show; also read from FACEWIRE_TOKEN, where no one else can see it")
    parser.add_argument("--tls-cert", type=Path, help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, help="its private key, PEM")
    parser.add_argument("--self-signed", action="store_true", help="make a certificate for use in a local network")
    parser.add_argument("--max-sessions", type=int, default=8, help="calls at once (%(default)s)")
    parser.add_argument("--size", type=int, default=512, choices=(256, 384, 512), help="side of the picture (%(default)s)")
    parser.add_argument("--model", type=Path, help="model folder written by `facewire export` (the default one is built in)")
    parser.add_argument("--ice-address", action="append", default=[], help="offer media at this address only; repeatable")


def run(args: argparse.Namespace) -> int:
    import asyncio
    import logging
    import os
    import signal
    import ssl

    import uvloop

    from realtime.errors import ConfigError
    from realtime.model_spec import read_manifest
    from realtime.weights import default_model
    from server import tls
    from server.app import serve
    from server.config import Limits, ServerConfig

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("aioice.ice", "aiortc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if bool(args.tls_cert) != bool(args.tls_key):
        raise ConfigError("--tls-cert and --tls-key belong together: give both or neither")
    certificate, key = args.tls_cert, args.tls_key
    if args.self_signed:
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        certificate, key = tls.self_signed(cache / "facewire")
    context: ssl.SSLContext | None = tls.context(certificate, key) if certificate else None
    config = ServerConfig(
        host=args.host,
        port=args.port,
        token=args.token or os.environ.get("FACEWIRE_TOKEN"),
        size=args.size,
        model=args.model,
        ice_addresses=tuple(args.ice_address),
        limits=Limits(sessions=args.max_sessions),
    )
    spec = read_manifest(config.model or default_model())

    def started() -> None:
        scheme = "https" if context else "http"
        local = config.host in ("127.0.0.1", "localhost")
        for address in [config.host] if config.host != "0.0.0.0" else tls.local_addresses():
            print(f"Facewire: {scheme}://{address}:{config.port}/", flush=True)
        delay_ms = spec.future_ms + config.processing_ms
        print(
            f"  model {spec.system}/{spec.preset}: a picture waits for {spec.future_ms} ms of future audio; "
            f"voice and picture leave {delay_ms} ms after they were spoken",
            flush=True,
        )
        if not local and not context:
            print("  browsers give no microphone to a page over plain HTTP: start with --self-signed or --tls-cert", flush=True)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(config, context, started, stop)

    try:
        uvloop.run(main())
    except OSError as error:
        raise ConfigError(f"{args.host}:{args.port} cannot be listened on ({error.strerror}): choose another --port") from error
    return 0
