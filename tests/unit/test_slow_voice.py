"""The voices for poor lines: several blocks a packet, on a grid of their own, little in quiet, and no gap between two."""

from itertools import pairwise

import numpy as np

from realtime.pacing import ReleaseSchedule
from server.encoders import AUDIO_RATE_HZ
from server.fan_out import VOICE_OF, FanOut, Outlet
from server.ladder import Rung
from server.picture_rungs import PictureRungs
from server.slow_voice import SlowVoice
from server.tracks import ReleasedTrack
from server.voices import BITS_PER_SECOND, BLOCKS, SLOW, Voices, next_change_ms
from tests.unit.fake_clock import FakeClock

RNG = np.random.default_rng(0)


def slow_voice() -> SlowVoice:
    return SlowVoice(blocks=BLOCKS[SLOW], bits_per_second=BITS_PER_SECOND[SLOW])


def noise(level: float) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return RNG.normal(0, level, 960).astype(np.int16)


def test_packets_begin_at_every_third_block_whenever_it_starts() -> None:
    voice = slow_voice()
    packets = [sent for block in range(4, 40) for sent in voice.push(noise(3000), block)]
    assert [first for first, _ in packets] == list(range(6, 38, 3))
    assert [packet.pts for _, packet in packets] == [first * 960 for first, _ in packets]
    seconds = len(packets) * 0.06
    assert 8 * sum(packet.size for _, packet in packets) / seconds < 1.2 * BITS_PER_SECOND[SLOW]


def test_a_block_that_is_missing_costs_its_own_packet() -> None:
    voice = slow_voice()
    blocks = [block for block in range(12) if block != 4]
    assert [first for block in blocks for first, _ in voice.push(noise(3000), block)] == [0, 6, 9]


def test_quiet_is_said_rarely_and_a_word_at_once() -> None:
    voice = slow_voice()
    loud = [voice.push(noise(3000), block) for block in range(30)]
    quiet = [voice.push(noise(3), block) for block in range(30, 330)]
    again = [voice.push(noise(3000), block) for block in range(330, 333)]
    assert sum(map(len, loud)) == 10
    assert 15 <= sum(map(len, quiet)) <= 20  # of 100
    assert sum(map(len, again)) == 1


def test_a_voice_of_two_blocks_a_packet() -> None:
    voice = SlowVoice(blocks=2, bits_per_second=16_000)
    packets = [sent for block in range(3, 20) for sent in voice.push(noise(3000), block)]
    assert [first for first, _ in packets] == list(range(4, 19, 2))


def test_every_moment_is_heard_once_whichever_voices_say_it() -> None:
    """A listener who falls from rung to rung and climbs back, at awkward moments: packets cover the timeline without a gap."""
    pictures = PictureRungs(256)
    out = FanOut(schedule=None, pictures=pictures)  # type: ignore[arg-type]
    outlet = Outlet(voice=_track(), picture=_track())
    out._outlets.append(outlet)
    starts: list[float] = []  # by what the packets say: when each leaves differs by voice (LEAD_MS)
    outlet.voice.put = lambda _, packet: starts.append(1000 * packet.pts / AUDIO_RATE_HZ)  # type: ignore[assignment,method-assign,operator]
    voices = Voices()
    moves = {5: Rung.SLOW, 11: Rung.MOTION, 12: Rung.VOICE, 31: Rung.HALF, 44: Rung.MOTION, 46: Rung.SLOW, 80: Rung.FULL}
    for block in range(120):
        if block in moves:
            out.set_rung(outlet, moves[block], next_change_ms(block), None)
        for voice, media_ms, packet in voices.push(noise(3000), block, out.voices(20 * block)):
            out.put_voice(voice, media_ms, packet)
    steps = np.diff(starts)
    assert starts == sorted(starts)
    assert set(steps) == {20.0, 40.0, 60.0}, "each packet begins where the one before ends"
    covered = [(media_ms, _length_ms(media_ms, moves)) for media_ms in starts]
    assert all(start + length == after for (start, length), (after, _) in pairwise(covered))


def _length_ms(media_ms: float, moves: dict[int, Rung]) -> float:
    """Of the packet that must begin there: changes count from the next multiple of 120 ms."""
    rung = Rung.FULL
    for block, to in moves.items():
        rung = to if media_ms >= next_change_ms(block) else rung
    return float(20 * BLOCKS[VOICE_OF[rung]])


def _track() -> ReleasedTrack:
    return ReleasedTrack("audio", ReleaseSchedule(clock=FakeClock(), delay_ms=0))
