"""The avatars that a server pushes to others: how many there may be, and that they end with their call."""

import asyncio

import aiohttp

from realtime.clock import Clock
from server.call_media import CallMedia
from server.config import Limits
from server.errors import Refusal
from server.push import Push
from server.push_signalling import PushSignalling
from server.push_target import PushTarget


class Pushes:
    """By id. They share one HTTP client, which is made with the first. Those that are over take no place; as many of them as
    there are places are kept, so that their client can hear why."""

    def __init__(self, limits: Limits, clock: Clock, origins: tuple[str, ...]) -> None:
        self.origins = origins
        self._limits, self._clock = limits, clock
        self._http: aiohttp.ClientSession | None = None
        self._pushes: dict[str, Push] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, call: CallMedia, target: PushTarget) -> Push:
        """Raises Refusal 503 where there are as many as may be."""
        if sum(not push.is_over for push in self._pushes.values()) >= self._limits.pushes:
            message = f"All {self._limits.pushes} avatars that this server pushes at once are taken: end one first."
            raise Refusal(503, "server_full", message, {"Retry-After": "5"})
        self._forget_oldest()
        self._http = self._http or aiohttp.ClientSession()
        push = Push(call, PushSignalling(self._http, target, self.origins), self._clock)
        self._pushes[push.id] = push
        return push

    def get(self, call: CallMedia, key: str) -> Push:
        """Raises Refusal 404 where this call has none of that id."""
        push = self._pushes.get(key)
        if push is None or push.call is not call:
            raise Refusal(404, "no_such_push", "This call is not pushed there, or no longer.")
        return push

    async def end(self, push: Push) -> None:
        if self._pushes.pop(push.id, None) is not None:
            await push.close()

    def end_with(self, call: CallMedia) -> None:
        """The call is over."""
        for push in [push for push in self._pushes.values() if push.call is call]:
            task = asyncio.create_task(self.end(push))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _forget_oldest(self) -> None:
        over = [key for key, push in self._pushes.items() if push.is_over]
        for key in over[: max(0, len(over) - self._limits.pushes)]:
            del self._pushes[key]

    async def close(self) -> None:
        await asyncio.gather(*(self.end(push) for push in list(self._pushes.values())), *self._ending)
        if self._http is not None:
            await self._http.close()
