"""What is changed in aiortc: refused where a name has moved, and doing what it is for."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from realtime.pacing import ReleaseSchedule
from server import aiortc_adjustments as adjustments
from server.tracks import ReleasedTrack
from tests.unit.fake_clock import FakeClock


def test_a_moved_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    adjustments.check_names()
    monkeypatch.delattr(RTCRtpSender, "_next_encoded_frame")
    with pytest.raises(RuntimeError, match="_next_encoded_frame"):
        adjustments.check_names()


async def test_sender_reports_follow_media_time_not_the_moment_of_sending() -> None:
    track = ReleasedTrack("video")
    track.start(ReleaseSchedule(clock=FakeClock(), delay_ms=200, anchor_s=0), wall_anchor_s=1000.0)
    sender: Any = SimpleNamespace(track=track, _facewire_origin=5_000, _facewire_clock_rate=90_000)
    info = RtcpSenderInfo(ntp_timestamp=123, rtp_timestamp=5_000 + 2 * 90_000, packet_count=9, octet_count=9)
    report = RtcpSrPacket(ssrc=1, sender_info=info)
    assert adjustments._set_media_time(sender, report)
    assert report.sender_info.ntp_timestamp / 2**32 - adjustments.NTP_EPOCH_S == pytest.approx(1002.0, abs=1e-3)


def test_the_immediate_buffer_holds_nothing_and_drops_what_is_late() -> None:
    buffer = adjustments.ImmediateBuffer()
    packet = lambda n: SimpleNamespace(sequence_number=n % 65536, _data=bytes([n % 256]), timestamp=n * 960)  # noqa: E731
    given = [buffer.add(packet(n))[1] for n in (65_534, 65_535, 65_536, 65_535, 65_538)]
    assert [frame is not None for frame in given] == [True, True, True, False, True]
