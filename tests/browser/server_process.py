"""The real server as a process of its own, the way a user starts it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[2]
READY_LIMIT_S = 150.0  # on a busy machine
STOP_LIMIT_S = 15.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class ServerProcess:
    """`facewire serve` from `with` to the end of the block; it may be stopped and started again on the same port."""

    log_path: Path
    flags: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.port = self.port or free_port()
        self._log = self.log_path.open("ab")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            if self._log:
                self._log.close()

    def start(self) -> None:
        """Starts it and waits until it takes calls."""
        command = [sys.executable, "-m", "facewire", "serve", "--host", "127.0.0.1", "--port", str(self.port), *self.flags]
        takes_all = {**os.environ, "FACEWIRE_BUSY_LIMIT": "off"}  # the machine that runs tests is busy
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=self._log, env=takes_all)
        limit_s = time.monotonic() + READY_LIMIT_S
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > limit_s:
                self.kill()
                raise RuntimeError(f"the server does not start:\n{self.log_path.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Asks it to stop, as Ctrl-C or a service manager does."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None

    def kill(self) -> None:
        """Ends it without a word, as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
