"""The rung that a call begins on: pictures at once; or, where the handshake was slow, the voice alone until packet pairs tell
what the line carries. A keyframe that was sent before anything is known fills two seconds of a line of 32 kbit/s.

The handshake is DTLS', as the server sees it: some 1.5 round trips, and two flights of about a kilobyte, and a second more where
one of its packets is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ladder import ROOM_BPS, WIDE, Rung

SLOW_HANDSHAKE_S = 0.3
OPENED_S = 4.0  # so long the data channel may take to open; packet pairs go over it
TOLD_S = 1.5  # and so long the first pair to be told of


@dataclass(kw_only=True)
class FirstRung:
    """State: until when is waited (None: not, or no longer)."""

    _until_s: float | None = None

    def begin(self, handshake_s: float | None, now_s: float) -> None:
        """handshake_s: None where nothing is known of it, or the client has no data channel: pictures at once."""
        if handshake_s is not None and handshake_s >= SLOW_HANDSHAKE_S:
            self._until_s = now_s + OPENED_S

    def opened(self, now_s: float) -> None:
        """The channel is there, the first packet pair on its way."""
        if self._until_s is not None:
            self._until_s = now_s + TOLD_S

    @property
    def is_awaited(self) -> bool:
        return self._until_s is not None

    def judge(self, capacity_bps: float | None, rungs: Sequence[Rung], now_s: float) -> Rung | None:
        """The rung to begin on, once; None before. capacity_bps: by packet pairs (None: no pair was told of); rungs: those that
        this listener may have, the best first, at least one."""
        if self._until_s is None or (capacity_bps is None and now_s < self._until_s):
            return None
        self._until_s = None
        least = _with_room(capacity_bps) if capacity_bps is not None else Rung.SLOW
        return next((rung for rung in rungs if rung >= least), rungs[-1])


def _with_room(capacity_bps: float) -> Rung:
    """One pair says less than an estimate: the larger pictures are for twice the room."""
    room = [rung for rung, bps in ROOM_BPS.items() if capacity_bps >= (bps if rung == Rung.SLOW else WIDE * bps)]
    return min(room, default=Rung.MOTION)
