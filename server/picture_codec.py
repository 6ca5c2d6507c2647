"""In which codec a client gets its pictures: VP8, unless its offer puts H264 first or has nothing else."""

from enum import StrEnum

from aiortc import RTCRtpSender
from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import MediaDescription, SessionDescription


class PictureCodec(StrEnum):
    """By their names in SDP. H264: baseline, packetization-mode 1, which RFC 7742 asks of everyone."""

    VP8 = "VP8"
    H264 = "H264"


def wanted_codec(video: MediaDescription) -> PictureCodec | None:
    """The first of an offer's codecs that pictures are made in; None where there is none."""
    names = [codec.name for codec in find_common_codecs(CODECS["video"], video.rtp.codecs)]
    return next((PictureCodec(name) for name in names if name in list(PictureCodec)), None)


def codec_of(sdp: str) -> PictureCodec:
    """The codec of an offer that was checked; VP8 where it wants no pictures."""
    lines = [media for media in SessionDescription.parse(sdp).media if media.kind == "video"]
    return (wanted_codec(lines[0]) if lines else None) or PictureCodec.VP8


def preferences(codec: PictureCodec) -> list[RTCRtpCodecCapability]:
    """What aiortc is told, so that it answers with this codec and its retransmission alone."""
    return [known for known in RTCRtpSender.getCapabilities("video").codecs if known.name in (codec, "rtx")]
