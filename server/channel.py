"""The messages on the data channel `facewire`: JSON, at most 1100 bytes (docs/protocol.md)."""

import json
from typing import Any

LABEL = "facewire"
VERSION = 1
MAX_BYTES = 1100  # larger SCTP payloads stall on paths of 1280 bytes


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
