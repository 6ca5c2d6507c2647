"""The voice for a poor line: three blocks a packet, on its own grid, little in quiet."""

import numpy as np

from server.fan_out import FanOut, Outlet
from server.picture_rungs import PictureRungs, RungChoice
from server.slow_voice import BITS_PER_SECOND, SlowVoice
from server.tracks import ReleasedTrack

RNG = np.random.default_rng(0)


def noise(level: float) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return RNG.normal(0, level, 960).astype(np.int16)


def test_packets_begin_at_every_third_block_whenever_it_starts() -> None:
    voice = SlowVoice()
    packets = [sent for block in range(4, 40) for sent in voice.push(noise(3000), block)]
    assert [first for first, _ in packets] == list(range(6, 38, 3))
    assert [packet.pts for _, packet in packets] == [first * 960 for first, _ in packets]
    seconds = len(packets) * 0.06
    assert 8 * sum(packet.size for _, packet in packets) / seconds < 1.2 * BITS_PER_SECOND


def test_a_block_that_is_missing_costs_its_own_packet() -> None:
    voice = SlowVoice()
    blocks = [block for block in range(12) if block != 4]
    assert [first for block in blocks for first, _ in voice.push(noise(3000), block)] == [0, 6, 9]


def test_quiet_is_said_rarely_and_a_word_at_once() -> None:
    voice = SlowVoice()
    loud = [voice.push(noise(3000), block) for block in range(30)]
    quiet = [voice.push(noise(3), block) for block in range(30, 330)]
    again = [voice.push(noise(3000), block) for block in range(330, 333)]
    assert sum(map(len, loud)) == 10
    assert 15 <= sum(map(len, quiet)) <= 20  # of 100
    assert sum(map(len, again)) == 1


def test_every_moment_is_heard_once_whichever_voice_says_it() -> None:
    """A listener who changes twice: fast until 120 ms, slow until 300 ms, fast again."""
    outlet = Outlet(voice=_track(), picture=_track(), choice=RungChoice(lowest=0))
    asked: list[int] = []
    pictures = PictureRungs(256)
    pictures.request_keyframe = asked.append  # type: ignore[method-assign,assignment]
    out = FanOut(schedule=None, pictures=pictures)  # type: ignore[arg-type]
    heard = []
    for block in range(24):
        if block == 4:
            out.set_motion(outlet, lambda _: None, voice_since_ms=120)
        if block == 13:
            out.set_motion(outlet, None, voice_since_ms=300)
        heard.append((block * 20, outlet.hears_slow_voice(block * 20)))
    assert [media_ms for media_ms, slow in heard if slow] == list(range(120, 300, 20))
    assert len(asked) == 1, "pictures begin again with a keyframe"


def _track() -> ReleasedTrack:
    return ReleasedTrack.__new__(ReleasedTrack)
