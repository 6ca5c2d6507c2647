"""VP8 or H264: which one an offer gets, and a call whose client takes H264 alone."""

from typing import Any

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RTCP_PSFB_PLI, RtcpPsfbPacket

from server.ladder import Ladder, Rung
from server.picture_codec import PictureCodec, codec_of
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base
from tests.server.waiting import until

INTER = 0x01
STAP_A, SEQUENCE_PARAMETERS = 24, 7  # RFC 6184, 5.2


def _prefer(transceiver: RTCRtpTransceiver, *names: str) -> None:
    known = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for name in (*names, "rtx") for codec in known if codec.name == name])


@pytest.mark.parametrize(
    ("names", "otherwise", "codec"),
    [
        (("VP8", "H264"), "", PictureCodec.VP8),
        (("H264", "VP8"), "", PictureCodec.H264),
        (("H264",), "", PictureCodec.H264),
        (("H264", "VP8"), "packetization-mode=0", PictureCodec.VP8),
    ],
)
async def test_the_first_codec_that_there_is_is_taken(names: tuple[str, ...], otherwise: str, codec: PictureCodec) -> None:
    peer = RTCPeerConnection()
    _prefer(peer.addTransceiver("video", direction="recvonly"), *names)
    offer = (await peer.createOffer()).sdp
    await peer.close()
    assert codec_of(offer.replace("packetization-mode=1", otherwise) if otherwise else offer) == codec


@pytest.mark.parametrize(("name", "other"), [("H264", "VP8"), ("VP8", "H264")])
async def test_a_client_of_one_codec_gets_it_and_a_keyframe_when_it_asks(
    start_server: StartServer, name: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)  # its choice for a busy machine has no say
    server, keyframes = await start_server(), []
    begins_keyframe = {"H264": _has_parameters, "VP8": _begins_vp8_keyframe}[name]
    async with Caller(base=base(server)) as caller:
        video = next(transceiver for transceiver in caller.peer.getTransceivers() if transceiver.kind == "video")
        _prefer(video, name)
        receiver: Any = video.receiver
        take = receiver._handle_rtp_packet

        async def look(packet: Any, arrival_time_ms: int) -> None:
            if begins_keyframe(packet.payload):
                keyframes.append(packet)
            await take(packet, arrival_time_ms)

        receiver._handle_rtp_packet = look
        await caller.call()
        assert f"{name}/90000" in caller.peer.remoteDescription.sdp
        assert other not in caller.peer.remoteDescription.sdp
        await until(lambda: len(caller.pictures) > 20)
        assert np.std(caller.pictures[-1]) > 20, "a face, not grey"
        assert len({packet.timestamp for packet in keyframes}) == 1, "one, at the beginning"
        first = keyframes[0]
        await receiver._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=first.ssrc))
        await until(lambda: keyframes[-1].timestamp != first.timestamp)


def _has_parameters(payload: bytes) -> bool:
    """Whether a packet carries a sequence parameter set, which comes with each keyframe."""
    unit = payload[0] & 31 if payload else 0
    return unit == SEQUENCE_PARAMETERS or (unit == STAP_A and payload[3] & 31 == SEQUENCE_PARAMETERS)


def _begins_vp8_keyframe(payload: bytes) -> bool:
    """Whether a packet holds the first byte of a frame that needs no other (RFC 6386, 9.1)."""
    if not payload:
        return False
    descriptor, picture = VpxPayloadDescriptor.parse(payload)
    return bool(descriptor.partition_start and descriptor.partition_id == 0 and not picture[0] & INTER)
