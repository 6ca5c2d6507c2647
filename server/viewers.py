"""Those who watch a call of somebody else's: how many there may be, and that they go when the call does."""

import asyncio

from realtime.clock import Clock
from server.call_media import CallMedia
from server.config import Limits
from server.errors import Refusal
from server.metrics import Metrics
from server.offer import check_offer
from server.session import Session
from server.watching import Watching


class Viewers:
    """The watching sessions of a server, by id. n_ended: those that are over."""

    def __init__(self, limits: Limits, clock: Clock, metrics: Metrics) -> None:
        self._limits, self._clock, self._metrics = limits, clock, metrics
        self.sessions: dict[str, Session] = {}
        self._watching: dict[str, CallMedia] = {}
        self._joining = self.n_ended = 0
        self._ending: set[asyncio.Task[None]] = set()

    async def open(self, call: CallMedia, sdp: str, hello: dict[str, int | str]) -> tuple[Session, str]:
        """A new viewer of a call, and the answer to their offer.

        Raises Refusal 400, 503.
        """
        check_offer(sdp, self._limits, sends="nothing")
        if len(self.sessions) + self._joining >= self._limits.viewers:
            message = f"All {self._limits.viewers} places to watch from are taken: try again in a moment."
            raise Refusal(503, "server_full", message, {"Retry-After": "5"})
        self._joining += 1
        try:
            session = Session(
                media=Watching(call),
                limits=self._limits,
                clock=self._clock,
                metrics=self._metrics,
                hello=hello,
                on_closed=self._forget,
            )
            answer = await session.answer(sdp)
        finally:
            self._joining -= 1
        self.sessions[session.id], self._watching[session.id] = session, call
        self._metrics.viewers.set(len(self.sessions))
        return session, answer

    def end_with(self, call: CallMedia) -> None:
        """The call is over: whoever watched it is told, and goes."""
        for session in [self.sessions[key] for key, watched in self._watching.items() if watched is call]:
            task = asyncio.create_task(session.close("call_ended", goodbye=True))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        await asyncio.gather(*(session.close("shutdown", goodbye=True) for session in list(self.sessions.values())))

    def _forget(self, session: Session) -> None:
        self.n_ended += 1
        if self.sessions.pop(session.id, None) is not None:
            del self._watching[session.id]
            self._metrics.viewers.set(len(self.sessions))
