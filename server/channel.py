"""The data channel `facewire`: JSON messages of at most 1100 bytes (docs/protocol.md)."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiortc import RTCDataChannel

from realtime.clock import Clock
from server.ladder import Mode

LABEL = "facewire"
MOTION_LABEL = "facewire-motion"  # unordered, never sent again: the messages of the motion stream (docs/motion.md)
VERSION = 1
MAX_BYTES = 1100  # larger SCTP payloads stall on paths of 1280 bytes
MAX_BUFFERED_BYTES = 64 * 1024  # a client that takes nothing gets nothing more
MAX_MOTION_BYTES = 2000  # waiting motion is old motion
PAIR_BYTES, SMALL_PAIR_BYTES = 300, 88  # of each half of a packet pair; on a line of 32 kbit/s the second comes 98 ms after the
# first, or 45
PADDING = 0  # first byte of a message of the motion channel that is none
MAX_ROUND_TRIP_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class LineReport:
    """What a client knows of its line. loss: share of the packets of the last seconds; round_trip_ms: of the path in use;
    pair_ms: between the halves of the packet pair that came last. None: not known."""

    loss: float | None = None
    round_trip_ms: float | None = None
    pair_ms: float | None = None


class ClientChannel:
    """What server and client say to each other beside sound and picture. Silent until the client opens it."""

    def __init__(self, clock: Clock, hello: dict[str, Any]) -> None:
        self._clock, self._hello = clock, hello
        self.on_open: Callable[[], None] = lambda: None
        self.on_motion: Callable[[], None] = lambda: None  # from now on packet pairs can be sent
        self.on_me: Callable[[str, bool], None] = lambda _name, _muted: None
        self.on_mode: Callable[[Mode], None] = lambda _mode: None
        self.on_line: Callable[[LineReport], None] = lambda _report: None
        self._opened: RTCDataChannel | None = None
        self._motion: RTCDataChannel | None = None
        self._heard_s: float | None = None  # when the client's last ping came

    def take(self, opened: RTCDataChannel) -> None:
        """The client opened a channel. The first with each right label is kept; no other is wanted."""
        if opened.label == MOTION_LABEL and self._motion is None:
            self._motion = opened
            self.on_motion()
            return
        if opened.label != LABEL or self._opened is not None:
            opened.close()
            return
        self._opened = opened
        opened.on("message", self._hear)
        self.say("hello", **self._hello)
        self.on_open()

    def say(self, kind: str, **values: Any) -> bool:
        """Sends a message where the channel is open; whether it did."""
        channel = self._opened
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > MAX_BUFFERED_BYTES:
            return False
        channel.send(encode(kind, **values))
        return True

    def send_bytes(self, data: bytes) -> None:
        """Sends a part of an atlas, in order, where the channel is open."""
        if self._opened is not None and self._opened.readyState == "open":
            self._opened.send(data)

    @property
    def waiting_bytes(self) -> int:
        """What the channel has not sent yet."""
        return 0 if self._opened is None else self._opened.bufferedAmount

    @property
    def is_open(self) -> bool:
        return self._opened is not None and self._opened.readyState == "open"

    @property
    def has_motion(self) -> bool:
        return self._motion is not None and self._motion.readyState == "open"

    def send_motion(self, data: bytes) -> None:
        """Sends a message of the motion stream now or never."""
        channel = self._motion
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount <= MAX_MOTION_BYTES:
            channel.send(data)

    def send_pair(self, n_bytes: int) -> None:
        """Sends a packet pair: two messages of padding, one right behind the other."""
        channel = self._motion
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount == 0:
            for half in range(2):
                channel.send(bytes([PADDING, half]) + bytes(n_bytes - 2))

    @property
    def silent_s(self) -> float:
        """Seconds since the client's last ping; 0 for one that never pinged."""
        return 0.0 if self._heard_s is None else self._clock.now() - self._heard_s

    def _hear(self, message: str | bytes) -> None:
        values = parse(message)
        if values is None:
            return
        if values["type"] == "me":
            self.on_me(values["name"], values["muted"])
            return
        if values["type"] == "mode":
            self.on_mode(Mode(values["want"]))
            return
        self._heard_s = self._clock.now()
        if "line" in values:
            self.on_line(LineReport(**{name: values["line"].get(name) for name in LINE_LIMITS}))
        self.say("pong", t=values["t"])


def encode(kind: str, **values: Any) -> str:
    """A message of the server: hello, stats, room, rung, motion, goodbye, pong."""
    text = json.dumps({"type": kind, **values}, separators=(",", ":"), ensure_ascii=False)
    assert len(text.encode()) <= MAX_BYTES, f"{kind} is too long"
    return text


def parse(message: str | bytes) -> dict[str, Any] | None:
    """A client's message, or None for one that is too long, no JSON object, or of no known type: those are passed over."""
    if isinstance(message, bytes) or len(message) > MAX_BYTES:
        return None
    try:
        values = json.loads(message)
    except (ValueError, RecursionError):
        return None
    check = CHECKS.get(str(values.get("type"))) if isinstance(values, dict) else None
    return values if check is not None and check(values) else None


def _is_ping(values: dict[str, Any]) -> bool:
    return _is_number(values.get("t"), -(2**53) + 1, 2**53 - 1) and ("line" not in values or _is_line(values["line"]))


def _is_me(values: dict[str, Any]) -> bool:
    return isinstance(values.get("name"), str) and isinstance(values.get("muted"), bool)


def _is_mode(values: dict[str, Any]) -> bool:
    return isinstance(values.get("want"), str) and values["want"] in set(Mode)


def _is_line(line: Any) -> bool:
    known = isinstance(line, dict) and {name: line[name] for name in LINE_LIMITS if line.get(name) is not None}
    return known is not False and all(_is_number(value, 0, LINE_LIMITS[name]) for name, value in known.items())


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and least <= value <= most


LINE_LIMITS = {"loss": 1, "round_trip_ms": MAX_ROUND_TRIP_MS, "pair_ms": MAX_ROUND_TRIP_MS}
CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {"ping": _is_ping, "me": _is_me, "mode": _is_mode}
"""What a client may say, by type."""
