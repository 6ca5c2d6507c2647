"""Somebody else's call, watched: its voice and picture, and nothing of one's own."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from server.call_media import CallMedia
from server.fan_out import SendMotion
from server.ladder import Rung


class Watching:
    """What `CallMedia` is to a caller, for one who only watches and listens. Ends with `close`, or with the call."""

    def __init__(self, call: CallMedia) -> None:
        self._call = call
        self.outlet, self.motion = call.out.open(begun=False), call.motion
        self.voice, self.picture = self.outlet.voice, self.outlet.picture

    def start(self) -> None:
        """The call's timeline began long ago; what a newcomer needs is a whole picture."""
        self._call.out.begin(self.outlet)

    async def listen(self, microphone: MediaStreamTrack | None) -> None:  # noqa: ARG002
        return

    async def speak(self) -> None:
        await asyncio.Event().wait()  # the call puts its packets

    @property
    def picture_rungs(self) -> Sequence[Rung]:
        return self._call.picture_rungs

    def set_rung(self, rung: Rung, motion: SendMotion | None) -> None:
        self._call.out.set_rung(self.outlet, rung, self._call.next_voice_change_ms, motion)

    def figures(self) -> dict[str, Any]:
        return self._call.figures()

    def count(self) -> None:
        return

    def close(self) -> None:
        self._call.out.close(self.outlet)
