"""One encoded stream for many: the call's own client, and everyone who watches it. Encoded once, however many they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from realtime.pacing import ReleaseSchedule
from server.encoders import EncodedPacket
from server.ladder import Rung
from server.loss_limit import LossLimit
from server.picture_codec import PictureCodec
from server.picture_rungs import Kind, PictureRungs
from server.tracks import ReleasedTrack
from server.voices import FAST, LEAD_MS, MIDDLE, SLOW

COPIED_BPS = 400_000  # pictures of which copies are sent take no more: a talking head's hardly do
SendMotion = Callable[[bytes], None]
VOICE_OF = {Rung.FULL: FAST, Rung.HALF: FAST, Rung.SLOW: MIDDLE, Rung.MOTION: SLOW, Rung.VOICE: SLOW}
"""Which voice goes with which rung."""


@dataclass(eq=False, kw_only=True)
class Outlet:
    """Voice and picture on their way to one receiver; estimate_bps: what it said that its network takes, and on_estimate is told;
    paused: it wants nothing for now; begun: it can take something; awaits_keyframe: it could show no other picture; loss_limit:
    what its loss allows; on_blocked: it loses more of its pictures than can be mended; motion: on that rung, sends the motion
    stream's messages; voice_before: what it hears before media time voice_since_ms."""

    voice: ReleasedTrack
    picture: ReleasedTrack
    codec: PictureCodec = PictureCodec.VP8
    rung: Rung = Rung.FULL
    paused: bool = False
    begun: bool = True
    awaits_keyframe: bool = False
    estimate_bps: int | None = None
    loss_limit: LossLimit = field(default_factory=LossLimit)
    on_estimate: Callable[[int], None] = lambda _: None
    on_blocked: Callable[[], None] = lambda: None
    motion: SendMotion | None = None
    voice_before: int = FAST
    voice_since_ms: float = 0

    @property
    def kind(self) -> Kind:
        """Of its pictures, where its rung has any."""
        return Kind(self.codec, self.rung)

    @property
    def limit_bps(self) -> int | None:
        """For its pictures: the least of what is known; None where nothing is. The estimate is of all that comes, copies too."""
        copied_bps = COPIED_BPS if self.picture.repeats else None
        known = [bps for bps in (self.estimate_bps, self.loss_limit.bps, copied_bps) if bps is not None]
        return int(min(known)) if known else None

    def voice_at(self, media_ms: float) -> int:
        """Which voice it hears of a media time."""
        return VOICE_OF[self.rung] if media_ms >= self.voice_since_ms else self.voice_before


@dataclass(kw_only=True)
class FanOut:
    """A call's outlets, and the encoders that they share: one a kind of picture, at the least limit of those who get it."""

    schedule: ReleaseSchedule
    pictures: PictureRungs
    _outlets: list[Outlet] = field(default_factory=list)
    _wall_anchor_s: float | None = None
    _unsent_before: int = 0

    def open(self, *, begun: bool = True) -> Outlet:
        """A place for one more receiver, whose media time is the call's. begun: it gets all that there is; else what there is
        from `begin` on."""
        outlet = Outlet(voice=ReleasedTrack("audio", self.schedule), picture=ReleasedTrack("video", self.schedule), begun=begun)
        outlet.picture.on_loss = partial(self.request_keyframe, outlet)
        outlet.picture.on_refused = partial(self._note_blocked, outlet)
        outlet.picture.on_bitrate = partial(self._estimate, outlet)
        outlet.picture.on_report = partial(self._note_loss, outlet)
        self._outlets.append(outlet)
        if self._wall_anchor_s is not None:
            self._start(outlet, self._wall_anchor_s)
        return outlet

    def start(self, wall_anchor_s: float) -> None:
        """wall_anchor_s: the wall clock at media time 0 (Unix seconds)."""
        self._wall_anchor_s = wall_anchor_s
        for outlet in self._outlets:
            self._start(outlet, wall_anchor_s)

    def begin(self, outlet: Outlet) -> None:
        """From now on its connection takes what is sent: the voice of now, not what was said meanwhile, and a whole picture."""
        outlet.begun = outlet.awaits_keyframe = True
        self.request_keyframe(outlet)

    @property
    def kinds(self) -> set[Kind]:
        """The kinds of pictures that somebody gets."""
        return {outlet.kind for outlet in list(self._outlets) if outlet.rung in self.pictures.rungs}

    def request_keyframe(self, outlet: Outlet) -> None:
        """A receiver needs a whole picture."""
        if outlet.rung in self.pictures.rungs:
            self.pictures.request_keyframe(outlet.kind)

    @property
    def wants_motion(self) -> bool:
        return any(outlet.motion is not None for outlet in list(self._outlets))

    def voices(self, media_ms: float) -> set[int]:
        """Those that somebody hears now, or will at their next change."""
        before = {outlet.voice_before for outlet in self._outlets if media_ms < outlet.voice_since_ms}
        return before | {VOICE_OF[outlet.rung] for outlet in self._outlets if not outlet.paused}

    def put_voice(self, voice: int, media_ms: float, packet: EncodedPacket) -> None:
        """It leaves earlier than its picture, so that both are perceived together."""
        for outlet in self._outlets:
            if outlet.begun and not outlet.paused and outlet.voice_at(media_ms) == voice:
                outlet.voice.put(media_ms - LEAD_MS[voice], packet)

    def put_pictures(self, media_ms: float, packets: Mapping[Kind, EncodedPacket]) -> None:
        """By kind. One who has changed it since they were encoded goes without."""
        for outlet in self._outlets:
            packet = packets.get(outlet.kind)
            if packet is None or not outlet.begun or (outlet.awaits_keyframe and not packet.is_keyframe):
                continue
            outlet.awaits_keyframe = False
            outlet.picture.put(media_ms, packet)

    def put_motion(self, message: bytes) -> None:
        for outlet in self._outlets:
            if outlet.motion is not None:
                outlet.motion(message)

    def set_rung(self, outlet: Outlet, rung: Rung, voice_since_ms: float, motion: SendMotion | None) -> None:
        """Another kind of picture, from a keyframe on, or none; and from media time voice_since_ms on the voice that goes with
        it. motion: with the rung of that name alone."""
        if outlet.voice_since_ms < voice_since_ms:
            outlet.voice_before = VOICE_OF[outlet.rung]
        outlet.awaits_keyframe = rung in self.pictures.rungs and (outlet.awaits_keyframe or rung != outlet.rung)
        outlet.rung, outlet.voice_since_ms, outlet.motion = rung, voice_since_ms, motion
        if rung not in self.pictures.rungs:
            outlet.picture.pause()
        self.request_keyframe(outlet)
        self._follow_limits()

    @property
    def unsent(self) -> int:
        """Pictures that no receiver's network took, of those who are here and who were."""
        return self._unsent_before + sum(outlet.picture.unsent for outlet in self._outlets)

    def close(self, outlet: Outlet) -> None:
        """Ends both tracks; the others may have more room now. Again: nothing."""
        if outlet not in self._outlets:
            return
        self._outlets.remove(outlet)
        self._unsent_before += outlet.picture.unsent
        outlet.voice.stop()
        outlet.picture.stop()
        if outlet.limit_bps is not None:
            self._follow_limits()

    def close_all(self) -> None:
        for outlet in list(self._outlets):
            self.close(outlet)

    def _start(self, outlet: Outlet, wall_anchor_s: float) -> None:
        outlet.voice.start(wall_anchor_s)
        outlet.picture.start(wall_anchor_s)

    def _note_blocked(self, outlet: Outlet) -> None:
        if outlet.rung in self.pictures.rungs:
            outlet.on_blocked()

    def _estimate(self, outlet: Outlet, bits_per_second: int) -> None:
        outlet.estimate_bps = bits_per_second
        outlet.on_estimate(bits_per_second)
        self._follow_limits()

    def _note_loss(self, outlet: Outlet, share: float, highest: int) -> None:
        now_s = self.schedule.clock.now()
        outlet.loss_limit.report(now_s, loss=share, highest=highest, sent_bytes=outlet.picture.sent_bytes)
        self._follow_limits()

    def _follow_limits(self) -> None:
        for kind in self.kinds:
            limits = [outlet.limit_bps for outlet in self._outlets if outlet.kind == kind]
            known = [bps for bps in limits if bps is not None]
            if known:
                self.pictures.limit(kind, min(known))
