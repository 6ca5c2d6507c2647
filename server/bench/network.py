"""A bad network in user space: a UDP relay between a client and the server that delays, loses and throttles what passes.

Kernels without netem, containers without rights: this needs neither. Each direction alone has the stated delay, jitter and loss;
packets keep their order, as on one path, unless disorder is asked for; loss and jitter are those of a seed, so that two runs meet
the same network.
"""

import heapq
import itertools
import random
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

MAX_QUEUE_S = 0.4  # of a throttled direction: what would wait longer is dropped, as a router's buffer does
OVERTAKEN_S = 0.06
IDLE_S = 0.05
DATAGRAM = 2048
HEADERS_BYTES = 28  # IPv4 and UDP: on the wire, and counted by a throttle

Address = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Network:
    """One direction's delay, the standard deviation of its jitter, share of lost packets, and rate (None: as fast as can
    be); disordered: share of packets that those behind them overtake."""

    name: str
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    kbps: float | None = None
    disordered: float = 0.0

    @property
    def in_words(self) -> str:
        if self == CLEAN:
            return "the same machine"
        parts = [f"{self.delay_ms:g} ms each way", f"{self.jitter_ms:g} ms jitter", f"{100 * self.loss:g} % loss"]
        parts += [f"{100 * self.disordered:g} % out of order"] if self.disordered else []
        return ", ".join([*parts, *([f"{self.kbps:g} kbit/s"] if self.kbps else [])])


CLEAN = Network(name="clean")
NETWORKS = {
    network.name: network
    for network in (
        CLEAN,
        Network(name="lossy", delay_ms=40, jitter_ms=5, loss=0.02),
        Network(name="slow", delay_ms=80, jitter_ms=10, loss=0.02, kbps=256),
    )
}


@dataclass(kw_only=True)
class Direction:
    """When a packet of one direction arrives, or that it never does. passed, lost, dropped: packets; bytes: on the wire."""

    network: Network
    random: random.Random
    passed: int = 0
    lost: int = 0
    dropped: int = 0
    bytes: int = 0
    taken_s: float = 0.0
    _line_free_s: float = 0.0
    _last_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)  # relays that share it have a thread each

    def arrival_s(self, size: int, now_s: float) -> float | None:
        """size: of the datagram's payload."""
        with self._lock:
            return self._arrival_s(size, now_s)

    def _arrival_s(self, size: int, now_s: float) -> float | None:
        wire_bytes = size + HEADERS_BYTES
        self.bytes += wire_bytes
        if self.random.random() < self.network.loss:
            self.lost += 1
            return None
        leaves_s = now_s
        if self.network.kbps:
            if self._line_free_s - now_s > MAX_QUEUE_S:
                self.dropped += 1
                return None
            leaves_s = self._line_free_s = max(now_s, self._line_free_s) + wire_bytes / (125 * self.network.kbps)
        jitter_ms = abs(self.random.gauss(0, self.network.jitter_ms))
        self._last_s = max(self._last_s, leaves_s + (self.network.delay_ms + jitter_ms) / 1000)
        self.passed += 1
        self.taken_s += self._last_s - now_s
        overtaken = self.network.disordered > 0 and self.random.random() < self.network.disordered
        return self._last_s + (OVERTAKEN_S if overtaken else 0.0)

    @property
    def mean_ms(self) -> float:
        """How long those took that passed."""
        return 1000 * self.taken_s / max(1, self.passed)


@dataclass(kw_only=True)
class Relay:
    """Stands before a server's UDP port, from `with` to the end of the block, on a thread of its own. port: where clients send;
    the last one heard is the one answered. beside: another relay over whose line this one's packets go as well."""

    server: Address
    network: Network
    seed: int = 1
    beside: "Relay | None" = None
    port: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        self.up = Direction(network=self.network, random=random.Random(self.seed))
        self.down = Direction(network=self.network, random=random.Random(self.seed + 1))
        if self.beside is not None:
            self.up, self.down = self.beside.up, self.beside.down
        self._outside, self._inside = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._outside.bind(("127.0.0.1", 0))
        self._inside.connect(self.server)
        self._outside.setblocking(False)
        self._inside.setblocking(False)
        self.port = self._outside.getsockname()[1]
        self._client: Address | None = None
        self._waiting: list[tuple[float, int, bool, bytes]] = []
        self._count = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"network {self.network.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._outside.close()
        self._inside.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._outside, selectors.EVENT_READ)
            selector.register(self._inside, selectors.EVENT_READ)
            while not self._over.is_set():
                due_s = self._waiting[0][0] - time.monotonic() if self._waiting else IDLE_S
                for key, _ in selector.select(max(0.0, min(due_s, IDLE_S))):
                    self._take(upwards=key.fileobj is self._outside)
                self._deliver()

    def _take(self, *, upwards: bool) -> None:
        """Everything that has come from one side."""
        direction = self.up if upwards else self.down
        while True:
            try:
                data, sender = (self._outside if upwards else self._inside).recvfrom(DATAGRAM)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the server has closed its port
                return
            if upwards:
                self._client = sender
            arrival_s = direction.arrival_s(len(data), time.monotonic())
            if arrival_s is not None:
                heapq.heappush(self._waiting, (arrival_s, next(self._count), upwards, data))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, upwards, data = heapq.heappop(self._waiting)
            try:
                if upwards:
                    self._inside.send(data)
                elif self._client is not None:
                    self._outside.sendto(data, self._client)
            except OSError:  # either end has gone: a network does not mind
                continue
