"""`facewire serve` as a process of its own, the way a user starts it, for benchmarks: where it runs and what it has used."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import ConfigError

START_S = 180  # on a busy machine
STOP_S = 20
TAKES_ALL = {"FACEWIRE_BUSY_LIMIT": "off"}


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A running server. start_s: from its start to `ready`."""

    url: str
    process: "subprocess.Popen[bytes]"
    start_s: float

    def metric(self, name: str, label: str = "") -> float:
        """The sum over all samples of one metric, as /metrics has it now; 0 where there is none. label: of those alone that
        have it, such as `stage="send"`."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        labels = rf"\{{.*{re.escape(label)}.*\}}" if label else r"(?:\{.*\})?"
        return sum(float(value) for value in re.findall(rf"^{name}{labels} (\S+)$", text, re.MULTILINE))

    @property
    def processor_s(self) -> float:
        """Processor time used so far."""
        return self.metric("process_cpu_seconds_total")

    @property
    def memory_mb(self) -> float:
        """Resident memory now."""
        return self.metric("process_resident_memory_bytes") / 2**20


@contextlib.contextmanager
def serving(
    flags: Sequence[str], cores: Sequence[int], log: Path, environment: Mapping[str, str] = TAKES_ALL
) -> Iterator[Serving]:
    """A server on some cores, from `with` to the end of the block; it takes calls beyond what it can carry.

    Raises ConfigError where it does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "facewire", "serve", "--port", str(port), *flags]
    began_s = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(on_cores(cores, command), stdout=file, stderr=file, env={**os.environ, **environment})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        yield Serving(url=url, process=process, start_s=time.monotonic() - began_s)
    finally:
        process.terminate()
        process.wait(STOP_S)


def free_port() -> int:
    """A TCP port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_cores(cores: Sequence[int], command: Sequence[str]) -> list[str]:
    """A command that runs on these cores alone."""
    pin = f"import os, sys; os.sched_setaffinity(0, {set(cores)}); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", pin, *command]


def available_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    limit_s = time.monotonic() + START_S
    while time.monotonic() < limit_s and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=2):
            return
        time.sleep(0.02)
    raise ConfigError(f"the server did not start: {log.read_text()[-500:]}")
