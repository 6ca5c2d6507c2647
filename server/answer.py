"""What a call's answer says of the voice, beyond what aiortc writes: Opus alone, and what is asked of the client's encoder."""

import re

from aiortc import RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r\n", re.MULTILINE | re.IGNORECASE)
ASKED = "minptime=10;useinbandfec=1"
"""RFC 7587, 6.1: each packet may carry a coarse copy of the one before. Senders use it once they hear of loss."""


def opus_alone() -> list[RTCRtpCodecCapability]:
    """What aiortc is told: it would take the offer's first codec, an old one too, and send our Opus by that name."""
    return [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.name.lower() == "opus"]


def ask_for_recovery(sdp: str) -> str:
    """The answer with that wish for each Opus payload type that has no parameters of its own."""

    def asked(found: re.Match[str]) -> str:
        payload_type = found[1]
        if f"a=fmtp:{payload_type} " in sdp:
            return found[0]
        return f"{found[0]}a=fmtp:{payload_type} {ASKED}\r\n"

    return OPUS.sub(asked, sdp)
