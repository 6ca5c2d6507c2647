"""The portraits one may call with: those that come with the program, and those that clients bring, in memory, for a while."""

import asyncio
import json
import secrets
from collections import OrderedDict
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from realtime.clock import Clock
from realtime.errors import PortraitError
from realtime.portrait import Portrait, prepare_portrait
from server.config import Limits
from server.errors import Refusal

SHIPPED = Path(__file__).resolve().parent.parent / "web_client" / "portraits"


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """A prepared portrait and until when it is kept."""

    portrait: Portrait
    until_s: float


class Portraits:
    """Looks portraits up by id and takes new ones. Nothing is written to disk."""

    def __init__(self, *, size: int, limits: Limits, clock: Clock, pool: Executor, shipped: Path = SHIPPED) -> None:
        self._size, self._limits, self._clock, self._pool = size, limits, clock, pool
        self._folder = shipped
        entries: list[dict[str, Any]] = json.loads((shipped / "portraits.json").read_text())
        self._entries = {entry["id"]: entry for entry in entries}
        self._prepared: dict[str, Portrait] = {}
        self._uploaded: OrderedDict[str, Uploaded] = OrderedDict()
        self._preparing = asyncio.Semaphore(2)

    def listing(self) -> list[dict[str, Any]]:
        """What the page shows of the shipped ones."""
        return [{**entry, "image": f"static/portraits/{Path(entry['image']).name}"} for entry in self._entries.values()]

    def first(self) -> Portrait:
        """The first of the shipped ones, prepared on the spot."""
        key, entry = next(iter(self._entries.items()))
        self._prepared[key] = prepare_portrait((self._folder / Path(entry["image"]).name).read_bytes(), self._size)
        return self._prepared[key]

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

    async def add(self, data: bytes) -> str:
        """Prepares a client's photograph and returns its id.

        Raises Refusal 422 (413 for one that is too large) with the photograph's own reason.
        """
        self._forget_old()
        try:
            portrait = await self._prepare(data)
        except PortraitError as error:
            raise Refusal(413 if error.reason == "too_large" else 422, error.reason, str(error)) from error
        key = secrets.token_urlsafe(18)
        while len(self._uploaded) >= self._limits.uploaded_portraits:
            self._uploaded.popitem(last=False)
        self._uploaded[key] = Uploaded(portrait=portrait, until_s=self._clock.now() + self._limits.uploaded_portrait_s)
        return key

    async def preview(self, key: str) -> bytes:
        """The framed picture as JPEG."""
        portrait = await self.get(key)
        _, data = cv2.imencode(".jpg", portrait.image, [cv2.IMWRITE_JPEG_QUALITY, 88])
        return bytes(data)

    async def _prepare(self, data: bytes) -> Portrait:
        async with self._preparing:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, partial(prepare_portrait, data, self._size))

    def _forget_old(self) -> None:
        now = self._clock.now()
        for key in [key for key, kept in self._uploaded.items() if kept.until_s < now]:
            del self._uploaded[key]
