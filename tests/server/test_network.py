"""The network in user space does what it says: delay, order, loss, rate, and the same for the same seed."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from server.bench.network import CLEAN, HEADERS_BYTES, MAX_QUEUE_S, NETWORKS, Direction, Network, Relay


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        over = threading.Event()

        def run() -> None:
            while not over.is_set():
                try:
                    server.sendto(*server.recvfrom(2048))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()
        over.set()
        thread.join()


def sent_through(network: Network, echo: tuple[str, int], count: int, pause_s: float = 0.002) -> dict[int, float]:
    """Round trips in seconds by packet number, of those that came back, in the order in which they came."""
    back: dict[int, float] = {}
    with Relay(server=echo, network=network) as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", relay.port))
        client.settimeout(0.4)
        sent = {}

        def send() -> None:
            for number in range(count):
                sent[number] = time.monotonic()
                client.send(number.to_bytes(4, "big") + bytes(96))
                time.sleep(pause_s)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            while True:
                number = int.from_bytes(client.recv(2048)[:4], "big")
                back[number] = time.monotonic() - sent[number]
        except TimeoutError:
            pass
        thread.join()
    return back


def test_a_clean_network_adds_nothing_and_loses_nothing(echo: tuple[str, int]) -> None:
    back = sent_through(CLEAN, echo, 100)
    assert list(back) == list(range(100))
    assert sorted(back.values())[50] < 0.01


def test_both_ways_are_delayed_and_keep_their_order(echo: tuple[str, int]) -> None:
    back = sent_through(NETWORKS["lossy"], echo, 200)
    assert list(back) == sorted(back)
    assert min(back.values()) >= 0.080
    assert sorted(back.values())[len(back) // 2] < 0.110
    assert 180 <= len(back) < 200, "2 % are lost each way"


def test_the_same_seed_loses_the_same_packets() -> None:
    def lost(seed: int) -> list[bool]:
        direction = Direction(network=NETWORKS["lossy"], random=random.Random(seed))
        return [direction.arrival_s(100, 0.01 * n) is None for n in range(1000)]

    assert lost(1) == lost(1) != lost(2)
    assert 8 <= sum(lost(1)) <= 35


def test_a_throttle_lets_its_rate_through_and_drops_what_would_wait_too_long() -> None:
    direction = Direction(network=Network(name="thin", kbps=64), random=random.Random(1))
    arrivals = [direction.arrival_s(172, 0.0) for _ in range(100)]
    there = [at for at in arrivals if at is not None]
    packet_s = (172 + HEADERS_BYTES) / 8000
    assert there == pytest.approx([packet_s * (n + 1) for n in range(len(there))])
    assert len(there) == direction.passed == 100 - direction.dropped
    assert MAX_QUEUE_S <= there[-1] <= MAX_QUEUE_S + 2 * packet_s


def test_disorder_is_asked_for_by_share(echo: tuple[str, int]) -> None:
    back = sent_through(Network(name="disordered", delay_ms=5, disordered=0.2), echo, 200)
    assert len(back) == 200
    overtaken = sum(1 for earlier, later in pairwise(back) if later < earlier)
    assert 20 <= overtaken <= 100


def test_relays_beside_each_other_share_a_line() -> None:
    """Two conversations over one line of 64 kbit/s: each has half of it."""
    network = Network(name="thin", kbps=64)
    with (
        Relay(server=("127.0.0.1", 9), network=network) as one,
        Relay(server=("127.0.0.1", 9), network=network, beside=one) as two,
    ):
        arrivals = [relay.down.arrival_s(172, 0.0) for _ in range(8) for relay in (one, two)]
    packet_s = (172 + HEADERS_BYTES) / 8000
    assert arrivals == pytest.approx([packet_s * (n + 1) for n in range(16)])
