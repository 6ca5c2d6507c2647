"""What a server is started with, and the limits it keeps."""

from dataclasses import dataclass
from pathlib import Path

from realtime.portrait import MAX_BYTES, MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Everything that someone else could make large. sessions: at most, however idle the machine; busy: share of the busiest
    resource above which no call is taken (headroom.py; None: that is not asked)."""

    sessions: int = 32
    busy: float | None = 0.85
    offer_bytes: int = 64 * 1024
    offer_lines: int = 1000
    media_lines: int = 4
    candidates: int = 32
    portrait_bytes: int = MAX_BYTES
    portrait_pixels: int = MAX_PIXELS
    uploaded_portraits: int = 64
    uploaded_portrait_s: float = 600
    uploads_at_once: int = 4
    upload_s: float = 30
    rooms: int = 32
    room_members: int = 6
    empty_room_s: float = 600  # for the first to come, and for the last to come back
    viewers: int = 32
    pushes: int = 8
    setup_s: float = 15
    silent_peer_s: float = 8


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """size: side of the picture in pixels; token: what clients must show (none: everyone may call); processing_ms: what drawing,
    encoding and the packet clock may take beyond the future audio, and most_processing_ms where the machine is busy
    (processing_time.py); ice_addresses: where media is offered (none: at the host's
    address, or everywhere where it listens everywhere); push_to: origins of servers that an avatar may be pushed to."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    size: int = 512
    model: Path | None = None
    processing_ms: int = 25
    most_processing_ms: int = 40
    ice_addresses: tuple[str, ...] = ()
    push_to: tuple[str, ...] = ()
    limits: Limits = Limits()
