"""Which kind of picture and voice one listener gets: a state machine over what is measured of their line, without a clock.

FULL ─▶ HALF ─▶ SLOW ─▶ MOTION ─▶ VOICE      down at once or after seconds, as many rungs as it takes
     ◀─      ◀─      ◀─        ◀─            up one at a time, where there was room for a while; later after each vain try
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from server.line import Reading


class Rung(IntEnum):
    """FULL, HALF: pictures of the full side and of half of it; SLOW: as HALF, at half the frame rate and fewer bits; MOTION: the
    motion stream; VOICE: the voice alone."""

    FULL = 0
    HALF = 1
    SLOW = 2
    MOTION = 3
    VOICE = 4


class Mode(StrEnum):
    """What a listener asks for: the ladder's choice of all rungs, or of those of one kind; PAUSE: nothing for now."""

    AUTO = "auto"
    VIDEO = "video"
    MOTION = "motion"
    VOICE = "voice"
    PAUSE = "pause"


RUNGS = {
    Mode.AUTO: tuple(Rung),
    Mode.VIDEO: (Rung.FULL, Rung.HALF, Rung.SLOW),
    Mode.MOTION: (Rung.MOTION,),
    Mode.VOICE: (Rung.VOICE,),
    Mode.PAUSE: (Rung.VOICE,),
}
FLOOR_BPS = {Rung.FULL: 120_000, Rung.HALF: 60_000, Rung.SLOW: 30_000}  # below it a rung cannot stay
ROOM_BPS = {Rung.FULL: 300_000, Rung.HALF: 110_000, Rung.SLOW: 110_000}  # a rung is climbed to with so much; apart, so that a
# wavering estimate moves nothing
PAIRS_ROOM_BPS = {Rung.FULL: 345_000, Rung.HALF: 160_000, Rung.SLOW: 110_000}  # pairs tell of the whole line: that rung's voice,
# which has 50 packets a second from HALF up, is counted in
WIDE = 2  # times that much by packet pairs: an estimate that says otherwise is one of a busy browser, not of the line
LOST = {Rung.FULL: 0.10, Rung.HALF: 0.10, Rung.SLOW: 0.10, Rung.MOTION: 0.25}  # of the packets; more, and a rung cannot stay
QUEUED_MS = {Rung.FULL: 250, Rung.HALF: 250, Rung.SLOW: 250, Rung.MOTION: 350}  # in the line; more, and a rung cannot stay
CALM_LOSS = {Rung.FULL: 0.04, Rung.HALF: 0.04, Rung.SLOW: 0.06, Rung.MOTION: 0.15}  # so little, and that rung is climbed to
CALM_QUEUED_MS = {Rung.FULL: 120, Rung.HALF: 120, Rung.SLOW: 120, Rung.MOTION: 200}
JAMMED_S = 2.0  # loss or a queue for so long makes it fall
BLOCKED_LOSS = 0.5  # of the packets, and no estimate comes: there is no room even for the least pictures
SILENT_SLOW_S, SILENT_S = 1.2, 3.5  # a listener of whom nothing is heard: the least pictures, then none; one lost ping comes
# again after a second and more, and takes nothing from who is there already
DRAINED_S = 3.0  # after a fall: what was sent before it is still told of
STEADY_S = 5.0  # of room, before it climbs to where an estimate says that there is some
PATIENCE_S, MOST_PATIENCE_S = 10.0, 160.0  # of calm, before it climbs where there is none
MOTION_SHARE = 0.4  # of that patience: the motion stream asks for little
PROVEN_S = 20.0  # a rung that held so long was no vain try


@dataclass(kw_only=True)
class Ladder:
    """State: the rung, since when the line has been jammed or calm, when it last moved, and how patient vain tries made it."""

    rung: Rung = Rung.FULL
    _jammed_since_s: float | None = None
    _calm_since_s: float | None = None
    _fell_s: float = float("-inf")
    _climbed_s: float = float("-inf")
    _patience_s: float = PATIENCE_S

    def judge(self, reading: Reading, rungs: Sequence[Rung], now_s: float) -> Rung:
        """The rung from now on. rungs: those that this listener may have, the best first, at least one."""
        if self.rung not in rungs:
            self._move(_nearest(self.rung, rungs))
            return self.rung
        lower = [rung for rung in rungs if rung > self.rung]
        higher = [rung for rung in rungs if rung < self.rung]
        self._watch(reading, higher[-1:], now_s)
        if lower and (fallen := self._fall(reading, lower, now_s)) is not None:
            self._note_fall(now_s)
            self._move(fallen)
        elif higher and self._may_climb(reading, higher[-1], now_s):
            self._climbed_s = now_s
            self._move(higher[-1])
        return self.rung

    def _watch(self, reading: Reading, next_rung: Sequence[Rung], now_s: float) -> None:
        """Follows since when the line has been jammed, or calm enough to climb to the next rung, where there is one."""
        jammed = reading.loss > LOST.get(self.rung, 1) or reading.queued_ms > QUEUED_MS.get(self.rung, float("inf"))
        drained = now_s - self._fell_s >= DRAINED_S
        self._jammed_since_s = _since(self._jammed_since_s, now_s) if jammed and drained else None
        calm = all(reading.loss <= CALM_LOSS[rung] and reading.queued_ms <= CALM_QUEUED_MS[rung] for rung in next_rung)
        self._calm_since_s = _since(self._calm_since_s, now_s) if calm and self._has_room(reading) else None
        if self._fell_s < self._climbed_s <= now_s - PROVEN_S:
            self._patience_s = PATIENCE_S

    def _has_room(self, reading: Reading) -> bool:
        """Whether what is known of the line, if anything is, leaves room for the next better rung."""
        if self.rung in (Rung.VOICE, Rung.FULL):
            return True
        needed_bps, of_line_bps = (room[Rung(self.rung - 1)] for room in (ROOM_BPS, PAIRS_ROOM_BPS))
        if self.rung == Rung.MOTION:
            return reading.capacity_bps is None or (reading.sure and reading.capacity_bps >= of_line_bps)
        if reading.sure and reading.capacity_bps is not None and reading.capacity_bps < of_line_bps:
            return False  # an estimate that was not reached would not know
        return reading.limit_bps is None or reading.limit_bps >= needed_bps or _is_wide(reading, needed_bps)

    def _fall(self, reading: Reading, lower: Sequence[Rung], now_s: float) -> Rung | None:
        """The rung that it falls to, if it does."""
        if reading.silent_s >= (SILENT_SLOW_S if self.rung < Rung.SLOW else SILENT_S):
            return _first(lower, Rung.VOICE if reading.silent_s >= SILENT_S else Rung.SLOW)
        if (bps := reading.limit_bps) is not None:
            low = bps < FLOOR_BPS.get(self.rung, 0) and not _is_wide(reading, ROOM_BPS[self.rung])
            if low and (self.rung < Rung.SLOW or now_s - self._fell_s >= JAMMED_S):
                return min(rung for rung in lower if rung >= Rung.SLOW or bps >= FLOOR_BPS[rung])
        elif reading.estimate_bps is None and self.rung <= Rung.SLOW and reading.loss >= BLOCKED_LOSS:
            return _first(lower, Rung.MOTION)
        if self._jammed_since_s is not None and now_s - self._jammed_since_s >= JAMMED_S:
            return lower[0]
        return None

    def _may_climb(self, reading: Reading, target: Rung, now_s: float) -> bool:
        if self._calm_since_s is None:
            return False
        told = target in (Rung.FULL, Rung.HALF) and (reading.estimate_bps or 0) >= ROOM_BPS[target]
        patience_s = self._patience_s * (MOTION_SHARE if target == Rung.MOTION else 1)
        return now_s - self._calm_since_s >= (STEADY_S if told else patience_s)

    def _note_fall(self, now_s: float) -> None:
        if now_s - self._climbed_s < PROVEN_S:
            self._patience_s = min(2 * self._patience_s, MOST_PATIENCE_S)
        self._fell_s = now_s

    def _move(self, rung: Rung) -> None:
        self.rung, self._jammed_since_s, self._calm_since_s = rung, None, None


def _is_wide(reading: Reading, needed_bps: float) -> bool:
    return reading.capacity_bps is not None and reading.capacity_bps >= WIDE * needed_bps


def _first(lower: Sequence[Rung], least: Rung) -> Rung:
    """The first of them that asks no more than `least`; where there is none, the last."""
    return next((rung for rung in lower if rung >= least), lower[-1])


def _since(before_s: float | None, now_s: float) -> float:
    return now_s if before_s is None else before_s


def _nearest(rung: Rung, rungs: Sequence[Rung]) -> Rung:
    """The best of those that ask no more of the line; else the one that asks least."""
    lower = [other for other in rungs if other > rung]
    return min(lower) if lower else max(rungs)
