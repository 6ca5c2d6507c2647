"""The portraits one may call with: those that come with the program, and those that clients bring, in memory, for a while."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from realtime.clock import Clock
from realtime.errors import PortraitError
from realtime.portrait import Portrait, prepare_portrait
from server.config import Limits
from server.errors import Refusal, busy
from server.names import new_name

SHIPPED = Path(__file__).resolve().parent.parent / "web_client" / "portraits"

PREVIEW_QUALITY = 88
LIGHT_QUALITY = 75


@dataclass(kw_only=True)
class Uploaded:
    """A prepared portrait, until when it is kept, and how many calls show it: as long as one does, it stays."""

    portrait: Portrait
    until_s: float
    calls: int = 0


class Portraits:
    """Looks portraits up by id and takes new ones. Nothing is written to disk."""

    def __init__(self, *, size: int, limits: Limits, clock: Clock, shipped: Path = SHIPPED) -> None:
        self._size, self._limits, self._clock = size, limits, clock
        self._folder = shipped
        entries: list[dict[str, Any]] = json.loads((shipped / "portraits.json").read_text())
        self._entries = {entry["id"]: entry for entry in entries}
        self._prepared: dict[str, Portrait] = {}
        self._uploaded: dict[str, Uploaded] = {}  # the oldest first
        self._uploading = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="portraits")  # its own: calls must not wait for photographs

    def listing(self) -> list[dict[str, Any]]:
        """What the page shows of the shipped ones."""
        return [{**entry, "image": f"static/portraits/{Path(entry['image']).name}"} for entry in self._entries.values()]

    async def first(self) -> Portrait:
        """The first of the shipped ones."""
        return await self.get(next(iter(self._entries)))

    async def get(self, key: str) -> Portrait:
        """Raises Refusal 404 where there is none of that id, or no longer."""
        self._forget_old()
        if key in self._uploaded:
            return self._uploaded[key].portrait
        if key not in self._entries:
            raise Refusal(404, "portrait_unknown", f"There is no portrait {key[:40]!r} here, or no longer: choose one again.")
        if key not in self._prepared:
            path = self._folder / Path(self._entries[key]["image"]).name
            self._prepared[key] = await self._prepare(path.read_bytes())
        return self._prepared[key]

    def hold(self, key: str) -> None:
        """A call shows this portrait from now on."""
        if key in self._uploaded:
            self._uploaded[key].calls += 1

    def release(self, key: str) -> None:
        """A call that showed it has ended; it is kept a while, for the call that may follow."""
        if key in self._uploaded:
            self._uploaded[key].calls -= 1
            self._uploaded[key].until_s = self._clock.now() + self._limits.uploaded_portrait_s

    async def add(self, body: Callable[[], Awaitable[bytes]]) -> str:
        """Reads and prepares a client's photograph and returns its id.

        Raises Refusal: 422 (413 for one that is too large) with the photograph's own reason, 408 for one that does not come,
        503 where too many come at once.
        """
        if self._uploading >= self._limits.uploads_at_once:
            raise busy("Many photographs are being looked at: try again in a moment.")
        self._uploading += 1
        try:
            async with asyncio.timeout(self._limits.upload_s):
                data = await body()
            portrait = await self._prepare(data)
        except TimeoutError:
            raise Refusal(408, "too_slow", f"The photograph did not come within {self._limits.upload_s:.0f} s.") from None
        except PortraitError as error:
            raise Refusal(413 if error.reason == "too_large" else 422, error.reason, str(error)) from error
        finally:
            self._uploading -= 1
        self._make_room()
        key = new_name(18)
        self._uploaded[key] = Uploaded(portrait=portrait, until_s=self._clock.now() + self._limits.uploaded_portrait_s)
        return key

    async def preview(self, key: str, *, light: bool = False) -> tuple[bytes, str]:
        """The framed picture and its media type. light: a third of the bytes, for who is on a poor line."""
        portrait = await self.get(key)
        return (light_preview_of(portrait), "image/webp") if light else (preview_of(portrait), "image/jpeg")

    def close(self) -> None:
        """Ends the thread that prepares."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _prepare(self, data: bytes) -> Portrait:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(prepare_portrait, data, self._size))

    def _forget_old(self) -> None:
        now = self._clock.now()
        for key in [key for key, kept in self._uploaded.items() if kept.until_s < now and not kept.calls]:
            del self._uploaded[key]

    def _make_room(self) -> None:
        """The oldest that no call shows goes where there are too many."""
        self._forget_old()
        if len(self._uploaded) < self._limits.uploaded_portraits:
            return
        oldest = next((key for key, kept in self._uploaded.items() if not kept.calls), None)
        if oldest is None:
            raise busy("All places for photographs are in use: try again later, or choose a portrait of the gallery.")
        del self._uploaded[oldest]


def light_preview_of(portrait: Portrait) -> bytes:
    """The framed picture as WebP."""
    _, data = cv2.imencode(".webp", portrait.image, [cv2.IMWRITE_WEBP_QUALITY, LIGHT_QUALITY])
    return bytes(data)


def preview_of(portrait: Portrait) -> bytes:
    """The framed picture as JPEG: what a page shows at rest, and what the motion stream moves."""
    _, data = cv2.imencode(".jpg", portrait.image, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return bytes(data)
