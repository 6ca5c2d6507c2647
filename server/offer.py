"""Checks of an SDP offer before anything is built on it. aiortc raises many kinds of errors on bad ones; here all are one."""

from typing import Literal

from aiortc.sdp import MediaDescription, SessionDescription

from server.config import Limits
from server.errors import Refusal
from server.picture_codec import wanted_codec

Sends = Literal["microphone", "nothing"]


def check_offer(sdp: str, limits: Limits, sends: Sends = "microphone") -> None:
    """sends: what the client gives beside what it gets.

    Raises Refusal 400 for what is no such offer, or more than anyone needs.
    """
    lines = sdp.splitlines()
    for what, most, count in (
        ("lines", limits.offer_lines, len(lines)),
        ("media lines", limits.media_lines, sum(line.startswith("m=") for line in lines)),
        ("candidates", limits.candidates, sum(line.startswith("a=candidate:") for line in lines)),
    ):
        if count > most:
            raise bad_offer(f"it has more than {most} {what}")
    try:
        parsed = SessionDescription.parse(sdp)
    except Exception as error:  # ValueError, AssertionError, IndexError, AttributeError and more
        raise bad_offer("it cannot be parsed") from error
    _check_transport(parsed)
    _check_media(parsed, sends)


def _check_transport(parsed: SessionDescription) -> None:
    mids = [media.rtp.muxId for media in parsed.media]
    if len(set(mids)) < len(mids):
        raise bad_offer("two media lines have one mid, or none")
    if any(not set(group.items) <= set(mids) for group in parsed.group):
        raise bad_offer("a group names a mid that no media line has")
    if any(not _secured(media) for media in parsed.media):
        raise bad_offer("a media line has no ICE credentials or no DTLS fingerprint")


def _check_media(parsed: SessionDescription, sends: Sends) -> None:
    audio = [media for media in parsed.media if media.kind == "audio"]
    video = [media for media in parsed.media if media.kind == "video"]
    if len(audio) != 1 or len(video) > 1:
        raise bad_offer("one audio line and at most one video line were expected")
    sending = [media.kind for media in audio + video if "send" in (media.direction or "")]
    if sends == "microphone" and "audio" not in sending:
        raise bad_offer("its audio line sends nothing")
    if sends == "nothing" and sending:
        raise bad_offer("one who watches sends nothing: recvonly lines were expected")
    if not any(codec.name.lower() == "opus" for codec in audio[0].rtp.codecs):
        raise bad_offer("its audio line has no Opus")
    if video and wanted_codec(video[0]) is None:
        raise bad_offer("its video line has neither VP8 nor H264 (baseline, packetization-mode 1)")


def _secured(media: MediaDescription) -> bool:
    return bool(media.ice and media.ice.usernameFragment and media.ice.password and media.dtls and media.dtls.fingerprints)


def bad_offer(why: str) -> Refusal:
    return Refusal(400, "bad_offer", f"The SDP offer cannot be taken: {why}.")
