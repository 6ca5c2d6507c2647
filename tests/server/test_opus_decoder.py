"""Sound that comes in: real Opus packets, some of them lost, and what is had of those from their successors."""

import ctypes
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import CodecContext
from numpy.typing import NDArray

from realtime.errors import AudioError
from server import opus_decoder
from server.aiortc_adjustments import ImmediateBuffer, InlineDecoder
from server.answer import ASKED, ask_for_recovery
from server.bench.material import read_speech
from server.commands.benchmarks import SPEECH
from server.encoders import AUDIO_TIME_BASE
from server.ingest import BLOCK, ClockedIngest
from server.opus_decoder import OpusDecoder

FIRST, COUNT = 100, 400  # packets of the recording


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """Speech as a browser sends it once it has heard of loss: 24 kbit/s, each packet with a copy of the one before."""
    codec: Any = CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate, codec.time_base = (
        48_000,
        "mono",
        "s16",
        24_000,
        AUDIO_TIME_BASE,
    )
    codec.options = {"application": "voip", "frame_duration": "20", "fec": "1", "packet_loss": "10"}
    speech, encoded = read_speech(SPEECH), []
    for index in range(FIRST, FIRST + COUNT):
        frame = av.AudioFrame.from_ndarray(speech[index * BLOCK : (index + 1) * BLOCK][None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, (index - FIRST) * BLOCK, AUDIO_TIME_BASE
        encoded += [bytes(packet) for packet in codec.encode(frame)]
    return encoded


def heard(packets: list[bytes], lost: set[int], start: int = 0) -> NDArray[np.int16]:
    """What reaches the timeline, laid at its RTP time; silence where nothing does."""
    buffer, frames = ImmediateBuffer(), _Frames()
    decoder = InlineDecoder(frames)  # type: ignore[arg-type]
    for index, data in enumerate(packets):
        if index not in lost:
            packet = SimpleNamespace(sequence_number=(65_500 + index) % 65_536, _data=data, timestamp=start + index * BLOCK)
            decoder.put((SimpleNamespace(name="opus"), buffer.add(packet)[1]))
    sound = np.zeros(len(packets) * BLOCK, np.int16)
    for frame in frames.taken:
        at = frame.pts - start
        sound[at : at + frame.samples] = frame.to_ndarray()[0]
    return sound


class _Frames:
    def __init__(self) -> None:
        self.taken: list[Any] = []

    def qsize(self) -> int:
        return 0

    def put_nowait(self, frame: Any) -> None:
        self.taken.append(frame)


def signal_to_noise_db(sound: NDArray[np.int16], whole: NDArray[np.int16], blocks: set[int]) -> float:
    """Inside these blocks alone."""
    at = np.concatenate([np.arange(index * BLOCK, (index + 1) * BLOCK) for index in blocks])
    signal, noise = whole[at].astype(float), sound[at].astype(float) - whole[at]
    return float(10 * np.log10((signal**2).sum() / (noise**2).sum()))


def test_without_loss_the_sound_is_what_pyav_decodes(packets: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    own = heard(packets, set())
    monkeypatch.setattr(opus_decoder, "_libopus", lambda: None)
    assert not OpusDecoder().recovers
    np.testing.assert_allclose(own, heard(packets, set()), atol=2)


def test_a_lost_packet_is_had_from_its_successor(packets: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    assert OpusDecoder().recovers, "PyAV's wheel brings libopus"
    lost = set(range(20, COUNT - 1, 10))
    whole = heard(packets, set())
    recovered = signal_to_noise_db(heard(packets, lost), whole, lost)
    monkeypatch.setattr(opus_decoder, "_libopus", lambda: None)
    silence = signal_to_noise_db(heard(packets, lost), whole, lost)
    assert silence == pytest.approx(0, abs=0.1)
    assert recovered > silence + 3


def test_a_pause_of_the_sender_is_no_gap(packets: list[bytes]) -> None:
    buffer, frames = ImmediateBuffer(), _Frames()
    decoder = InlineDecoder(frames)  # type: ignore[arg-type]
    for number, place in enumerate((0, 1, 2, 22, 42, 43)):  # DTX: one packet in 400 ms, numbered on
        packet = SimpleNamespace(sequence_number=number, _data=packets[place], timestamp=place * BLOCK)
        decoder.put((SimpleNamespace(name="opus"), buffer.add(packet)[1]))
    assert [frame.pts // BLOCK for frame in frames.taken] == [0, 1, 2, 22, 42, 43]


def test_of_a_long_gap_only_what_may_still_be_in_time_is_made(packets: list[bytes]) -> None:
    decoder = OpusDecoder()
    assert len(decoder.decode(packets[0])) == 1
    assert [len(block) for block in decoder.decode(packets[40], lost=39)] == [BLOCK] * 3


@pytest.mark.parametrize("data", [b"", b"\xff" * 7, b"\x03"])
def test_a_damaged_packet_is_an_error_and_the_next_is_heard(data: bytes, packets: list[bytes]) -> None:
    decoder = OpusDecoder()
    decoder.decode(packets[0])
    with pytest.raises(AudioError, match="Opus"):
        decoder.decode(data, lost=1)
    assert len(decoder.decode(packets[1])[0]) == BLOCK


def test_the_timeline_is_whole_though_packets_are_lost(packets: list[bytes]) -> None:
    """2 % loss on an even network: what is recovered comes one block later, for which the ingest makes room once."""
    chance, ingest, frames, buffer = np.random.default_rng(1), ClockedIngest(), _Frames(), ImmediateBuffer()
    decoder, read = InlineDecoder(frames), []  # type: ignore[arg-type]
    many = packets * 5
    for index, data in enumerate(many):
        now_s = index * 0.02
        if chance.random() >= 0.02:
            packet = SimpleNamespace(sequence_number=index % 65_536, _data=data, timestamp=index * BLOCK)
            frames.taken.clear()
            decoder.put((SimpleNamespace(name="opus"), buffer.add(packet)[1]))
            for frame in frames.taken:
                ingest.write(frame.pts, frame.to_ndarray()[0], now_s)
        read.append(ingest.read(now_s + 0.007))
    assert ingest.late_packets == 0
    assert ingest.missing_ms < 200
    assert ingest.steps_back <= 4
    assert ingest._next_read_s - (ingest._written or 0) / 48_000 < 0.06


def test_a_server_without_libopus_hears_all_the_same(packets: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    opus_decoder._libopus.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", _refuse)
    assert opus_decoder._libopus() is None
    assert len(OpusDecoder().decode(packets[0], lost=1)) == 1
    monkeypatch.undo()
    opus_decoder._libopus.cache_clear()
    assert OpusDecoder().recovers


def _refuse(path: str) -> None:
    raise OSError(path)


def test_an_answer_asks_for_copies_once() -> None:
    answer = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"
    asked = ask_for_recovery(answer)
    assert asked.count(f"a=rtpmap:111 opus/48000/2\r\na=fmtp:111 {ASKED}\r\n") == 1
    assert ask_for_recovery(asked) == asked
