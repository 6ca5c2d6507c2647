"""The bit rate that loss allows one receiver's pictures: receiver reports (RFC 3550, 6.4) → a limit.

A browser's own estimate (REMB) stands on delay: a line that drops what it cannot carry, without a queue, does not show in it.

Source: draft-ietf-rmcat-gcc-02, section 6, without its bound by TFRC.
"""

from dataclasses import dataclass

from server.encoders import MAX_VIDEO_BPS

HEAVY, LIGHT = 0.10, 0.02  # of the packets; between them the limit stands
CUT = 0.5  # of the share that was lost
GROWTH = 1.05  # a judgement
LEAST_BPS = 30_000
UNUSED = 1.5  # a limit so many times what was sent was not reached by it: a cut begins from there
LEAST_PACKETS = 20  # of fewer, one lost packet would be heavy loss


@dataclass(kw_only=True)
class LossLimit:
    """bps: None while nothing was lost that tells of a limit. State: when it last judged, from which packet and byte on, and what
    was lost since."""

    bps: float | None = None
    _since: tuple[float, int] | None = None  # when, bytes sent by then
    _highest: int | None = None
    _packets: int = 0
    _lost: float = 0.0

    def report(self, now_s: float, *, loss: float, highest: int, sent_bytes: int) -> None:
        """A receiver report: share lost since the last one, highest sequence number received (extended); sent_bytes: of pictures
        since the call began."""
        if self._since is None or self._highest is None or highest <= self._highest:
            self._restart(now_s, highest, sent_bytes)  # the first, of a receiver that began anew, or no pictures were sent
            return
        self._packets += highest - self._highest
        self._lost += loss * (highest - self._highest)
        self._highest = highest
        if self._packets < LEAST_PACKETS or now_s <= self._since[0]:
            return
        self._judge(self._lost / self._packets, 8 * (sent_bytes - self._since[1]) / (now_s - self._since[0]))
        self._restart(now_s, highest, sent_bytes)

    def _judge(self, loss: float, sent_bps: float) -> None:
        if loss > HEAVY:
            reached_bps = UNUSED * sent_bps if self.bps is None else min(self.bps, UNUSED * sent_bps)
            self.bps = max(LEAST_BPS, (1 - CUT * loss) * reached_bps)
        elif loss < LIGHT and self.bps is not None:
            self.bps *= GROWTH
            self.bps = self.bps if self.bps < MAX_VIDEO_BPS else None

    def _restart(self, now_s: float, highest: int, sent_bytes: int) -> None:
        self._since, self._highest, self._packets, self._lost = (now_s, sent_bytes), highest, 0, 0.0
