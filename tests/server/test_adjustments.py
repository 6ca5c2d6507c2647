"""What is changed in aiortc: refused where it does not fit, and doing what it is for."""

import asyncio
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aioice import stun
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from realtime.pacing import ReleaseSchedule
from server import aiortc_adjustments as adjustments
from server.encoders import OpusEncoder
from server.tracks import ReleasedTrack
from tests.unit.fake_clock import FakeClock


def test_what_is_installed_fits() -> None:
    adjustments.check()


@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, names in adjustments.NAMES.items() for name in names if name != "__init__"]
)
def test_a_moved_name_is_noticed(place: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(place, name)
    with pytest.raises(RuntimeError, match=name):
        adjustments.check()


def test_a_renamed_private_attribute_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_otherwise(self: Any) -> None:
        self._rtp_time = 0

    monkeypatch.setitem(adjustments.ATTRIBUTES, run_otherwise, ("_RTCRtpSender__rtp_timestamp",))
    with pytest.raises(RuntimeError, match="_RTCRtpSender__rtp_timestamp"):
        adjustments.check()


def test_another_series_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "1.17.0")
    with pytest.raises(RuntimeError, match=r"aiortc 1\.17\.0"):
        adjustments.check()


@pytest.mark.parametrize(("sent", "written"), [(9, True), (0, False)])
async def test_sender_reports_follow_media_time_not_the_moment_of_sending(sent: int, written: bool) -> None:
    track = ReleasedTrack("video", ReleaseSchedule(clock=FakeClock(), delay_ms=200))
    track.start(wall_anchor_s=1000.0)
    sender: Any = SimpleNamespace(track=track, _facewire_origin=5_000, _facewire_clock_rate=90_000)
    info = RtcpSenderInfo(ntp_timestamp=123, rtp_timestamp=5_000 + 2 * 90_000, packet_count=sent, octet_count=9)
    report = RtcpSrPacket(ssrc=1, sender_info=info)
    assert adjustments._set_media_time(sender, report) is written
    assert not adjustments._set_media_time(sender, report), "nothing was sent since: it says nothing new"
    if written:
        assert report.sender_info.ntp_timestamp / 2**32 - adjustments.NTP_EPOCH_S == pytest.approx(1002.0, abs=1e-3)


def test_sound_that_nobody_fetches_is_a_second_s_at_most_and_the_newest() -> None:
    frames: asyncio.Queue[Any] = asyncio.Queue()
    decoder, encoder = adjustments.InlineDecoder(frames), OpusEncoder()
    opus = SimpleNamespace(name="opus")
    for index in range(120):
        (packet,) = encoder.encode(np.zeros(960, np.int16), 960 * index)
        decoder.put((opus, adjustments.OpusPacket(bytes(packet), 960 * index, lost=0)))
    assert frames.qsize() == adjustments.MAX_DECODED_PACKETS
    assert frames.get_nowait().pts == 960 * (120 - adjustments.MAX_DECODED_PACKETS)


def _given(*sequence_numbers: int) -> list[bool]:
    """Which packets the immediate buffer hands on."""
    buffer = adjustments.ImmediateBuffer()
    packets = [SimpleNamespace(sequence_number=n % 65536, _data=b"\x00", timestamp=n * 960) for n in sequence_numbers]
    return [buffer.add(packet)[1] is not None for packet in packets]


def test_the_immediate_buffer_holds_nothing_and_drops_what_is_late_or_doubled() -> None:
    assert _given(65_534, 65_535, 65_536, 65_536, 65_535, 65_538) == [True, True, True, False, False, True]


def test_a_sender_that_begins_anew_is_heard() -> None:
    assert _given(40_000, 40_001, 500, 501, 502) == [True] * 5


async def test_a_consent_check_is_answered_in_time_over_a_slow_line() -> None:
    """aioice asks once and waits half a second; here an answer after 0.9 s counts, and none at all still ends it."""
    adjustments.apply()
    sent: list[float] = []

    class Silent:
        def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:  # noqa: ARG002
            sent.append(asyncio.get_running_loop().time())

    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    answer = stun.Message(
        message_method=stun.Method.BINDING, message_class=stun.Class.RESPONSE, transaction_id=request.transaction_id
    )
    transaction = stun.Transaction(request, ("192.0.2.1", 9), Silent(), retransmissions=0)
    asyncio.get_running_loop().call_later(0.9, transaction.response_received, answer, ("192.0.2.1", 9))
    await transaction.run()
    assert len(sent) == 2
    with pytest.raises(stun.TransactionTimeout):
        await stun.Transaction(request, ("192.0.2.1", 9), Silent(), retransmissions=0).run()
