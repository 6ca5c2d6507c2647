"""A call's motion stream: made once, from what is drawn anyway, for all its listeners on poor lines."""

from collections.abc import Awaitable, Callable

from realtime.motion.atlas import Atlas
from realtime.motion.sending import MotionSender
from realtime.pipeline import RenderedFrame
from server.motion_atlases import Progress

LearnAtlas = Callable[[Progress], Awaitable[Atlas]]


class CallMotion:
    """portrait: whose it is, by its id. Nothing is done before somebody asked for the atlas. `take` belongs to the call's strand,
    the rest to the event loop."""

    def __init__(self) -> None:
        self.learn: LearnAtlas | None = None
        self.portrait = ""
        self._sender: MotionSender | None = None

    async def atlas(self, progress: Progress) -> Atlas | None:
        """None where this call can have none.

        Raises CapacityError.
        """
        if self.learn is None:
            return None
        atlas = await self.learn(progress)
        if self._sender is None:
            self._sender = MotionSender(atlas)
        return self._sender.atlas

    def take(self, frame: RenderedFrame) -> list[bytes]:
        """A frame in order → the messages that it completes."""
        return [] if self._sender is None else self._sender.push(frame.index, frame.layers)
