"""One encoded stream for many: the call's own client, and everyone who watches it. Encoded once, however many they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from realtime.pacing import ReleaseSchedule
from server.encoders import EncodedPacket
from server.picture_rungs import PictureRungs, RungChoice
from server.tracks import ReleasedTrack


@dataclass(eq=False, kw_only=True)
class Outlet:
    """Voice and picture on their way to one receiver; estimate_bps: what it said that its network takes; choice: the size of its
    pictures.

    motion: sends the motion stream's messages to one that gets no pictures; slow_voice: whether it hears the slow voice from
    media time voice_since_ms on, and before it the other.
    """

    voice: ReleasedTrack
    picture: ReleasedTrack
    choice: RungChoice
    estimate_bps: int | None = None
    motion: Callable[[bytes], None] | None = None
    slow_voice: bool = False
    voice_since_ms: float = 0

    def hears_slow_voice(self, media_ms: float) -> bool:
        return self.slow_voice == (media_ms >= self.voice_since_ms)


@dataclass(kw_only=True)
class FanOut:
    """A call's outlets, and the encoders that they share: one a size, at the least estimate of those who get it."""

    schedule: ReleaseSchedule
    pictures: PictureRungs
    _outlets: list[Outlet] = field(default_factory=list)
    _wall_anchor_s: float | None = None
    _unsent_before: int = 0

    def open(self) -> Outlet:
        """A place for one more receiver: its picture begins with a keyframe, its media time is the call's."""
        outlet = Outlet(
            voice=ReleasedTrack("audio", self.schedule),
            picture=ReleasedTrack("video", self.schedule),
            choice=RungChoice(lowest=self.pictures.lowest),
        )
        outlet.picture.on_loss = partial(self.request_keyframe, outlet)
        outlet.picture.on_bitrate = partial(self._estimate, outlet)
        self._outlets.append(outlet)
        if self._wall_anchor_s is not None:
            self._start(outlet, self._wall_anchor_s)
        return outlet

    def start(self, wall_anchor_s: float) -> None:
        """wall_anchor_s: the wall clock at media time 0 (Unix seconds)."""
        self._wall_anchor_s = wall_anchor_s
        for outlet in self._outlets:
            self._start(outlet, wall_anchor_s)

    @property
    def rungs(self) -> set[int]:
        """The sizes that somebody gets pictures of."""
        return {outlet.choice.rung for outlet in list(self._outlets) if outlet.motion is None}

    def request_keyframe(self, outlet: Outlet) -> None:
        """A receiver needs a whole picture."""
        self.pictures.request_keyframe(outlet.choice.rung)

    @property
    def wants_motion(self) -> bool:
        return any(outlet.motion is not None for outlet in self._outlets)

    def wants_slow_voice(self, media_ms: float) -> bool:
        return any(outlet.slow_voice or media_ms < outlet.voice_since_ms for outlet in self._outlets)

    def put_voice(self, media_ms: float, packet: EncodedPacket, *, slow: bool = False) -> None:
        for outlet in self._outlets:
            if outlet.hears_slow_voice(media_ms) == slow:
                outlet.voice.put(media_ms, packet)

    def put_pictures(self, media_ms: float, packets: Mapping[int, EncodedPacket]) -> None:
        """By rung. One who has changed it since they were encoded goes without."""
        for outlet in self._outlets:
            if outlet.motion is None and outlet.choice.rung in packets:
                outlet.picture.put(media_ms, packets[outlet.choice.rung])

    def put_motion(self, message: bytes) -> None:
        for outlet in self._outlets:
            if outlet.motion is not None:
                outlet.motion(message)

    def set_motion(self, outlet: Outlet, send: Callable[[bytes], None] | None, voice_since_ms: float) -> None:
        """Motion and slow voice instead of pictures, or, with None, pictures from a keyframe on and the voice as before."""
        if (outlet.motion is None) == (send is None):
            return
        outlet.motion, outlet.slow_voice, outlet.voice_since_ms = send, send is not None, voice_since_ms
        if send is None:
            self.request_keyframe(outlet)

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
        if outlet.estimate_bps is not None:
            self._follow_estimates()

    def close_all(self) -> None:
        for outlet in list(self._outlets):
            self.close(outlet)

    def _start(self, outlet: Outlet, wall_anchor_s: float) -> None:
        outlet.voice.start(wall_anchor_s)
        outlet.picture.start(wall_anchor_s)

    def _estimate(self, outlet: Outlet, bits_per_second: int) -> None:
        before, outlet.estimate_bps = outlet.choice.rung, bits_per_second
        if outlet.choice.judge(bits_per_second, self.schedule.clock.now()) != before:
            self.request_keyframe(outlet)
        self._follow_estimates()

    def _follow_estimates(self) -> None:
        for rung in self.rungs:
            on_it = (outlet for outlet in self._outlets if outlet.choice.rung == rung)
            estimates = [outlet.estimate_bps for outlet in on_it if outlet.estimate_bps is not None]
            if estimates:
                self.pictures.limit(rung, min(estimates))
