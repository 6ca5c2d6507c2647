"""The data channel `facewire`: JSON messages of at most 1100 bytes (docs/protocol.md)."""

import json
from typing import Any

from aiortc import RTCDataChannel

from realtime.clock import Clock

LABEL = "facewire"
VERSION = 1
MAX_BYTES = 1100  # larger SCTP payloads stall on paths of 1280 bytes
MAX_BUFFERED_BYTES = 64 * 1024  # a client that takes nothing gets nothing more


class ClientChannel:
    """What server and client say to each other beside sound and picture. Silent until the client opens it."""

    def __init__(self, clock: Clock, hello: dict[str, Any]) -> None:
        self._clock, self._hello = clock, hello
        self._opened: RTCDataChannel | None = None
        self._heard_s: float | None = None  # when the client's last ping came

    def take(self, opened: RTCDataChannel) -> None:
        """The client opened a channel. The first with the right label is kept; no other is wanted."""
        if opened.label != LABEL or self._opened is not None:
            opened.close()
            return
        self._opened = opened
        opened.on("message", self._hear)
        self.say("hello", **self._hello)

    def say(self, kind: str, **values: Any) -> bool:
        """Sends a message where the channel is open; whether it did."""
        channel = self._opened
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > MAX_BUFFERED_BYTES:
            return False
        channel.send(encode(kind, **values))
        return True

    @property
    def silent_s(self) -> float:
        """Seconds since the client's last ping; 0 for one that never pinged."""
        return 0.0 if self._heard_s is None else self._clock.now() - self._heard_s

    def _hear(self, message: str | bytes) -> None:
        values = parse(message)
        if values is not None:
            self._heard_s = self._clock.now()
            self.say("pong", t=values["t"])


def encode(kind: str, **values: Any) -> str:
    """A message of the server: hello, stats, goodbye, pong."""
    text = json.dumps({"type": kind, **values}, separators=(",", ":"))
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
    if not isinstance(values, dict) or values.get("type") != "ping":
        return None
    t = values.get("t")
    if isinstance(t, bool) or not isinstance(t, int | float) or not abs(t) < 2**53:
        return None
    return values
