"""The data channel `facewire`: JSON messages of at most 1100 bytes (docs/protocol.md)."""

import json
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel

from realtime.clock import Clock

LABEL = "facewire"
MOTION_LABEL = "facewire-motion"  # unordered, never sent again: the messages of the motion stream (docs/motion.md)
VERSION = 1
MAX_BYTES = 1100  # larger SCTP payloads stall on paths of 1280 bytes
MAX_BUFFERED_BYTES = 64 * 1024  # a client that takes nothing gets nothing more
MAX_MOTION_BYTES = 2000  # waiting motion is old motion


class ClientChannel:
    """What server and client say to each other beside sound and picture. Silent until the client opens it."""

    def __init__(self, clock: Clock, hello: dict[str, Any]) -> None:
        self._clock, self._hello = clock, hello
        self.on_open: Callable[[], None] = lambda: None
        self.on_me: Callable[[str, bool], None] = lambda _name, _muted: None
        self.on_motion: Callable[[bool], None] = lambda _wanted: None
        self._opened: RTCDataChannel | None = None
        self._motion: RTCDataChannel | None = None
        self._heard_s: float | None = None  # when the client's last ping came

    def take(self, opened: RTCDataChannel) -> None:
        """The client opened a channel. The first with each right label is kept; no other is wanted."""
        if opened.label == MOTION_LABEL and self._motion is None:
            self._motion = opened
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
    def has_motion(self) -> bool:
        return self._motion is not None and self._motion.readyState == "open"

    def send_motion(self, data: bytes) -> None:
        """Sends a message of the motion stream now or never."""
        channel = self._motion
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount <= MAX_MOTION_BYTES:
            channel.send(data)

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
        if values["type"] == "motion":
            self.on_motion(values["want"])
            return
        self._heard_s = self._clock.now()
        self.say("pong", t=values["t"])


def encode(kind: str, **values: Any) -> str:
    """A message of the server: hello, stats, room, motion, goodbye, pong."""
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
    t = values.get("t")
    return not isinstance(t, bool) and isinstance(t, int | float) and abs(t) < 2**53


def _is_me(values: dict[str, Any]) -> bool:
    return isinstance(values.get("name"), str) and isinstance(values.get("muted"), bool)


def _is_motion(values: dict[str, Any]) -> bool:
    return isinstance(values.get("want"), bool)


CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {"ping": _is_ping, "me": _is_me, "motion": _is_motion}
"""What a client may say, by type."""
