"""Everything that is changed in aiortc 1.16 and aioice 0.13, in one place. Call `apply()` once, before the first connection.

Each change mends something measured (docs/decisions/0008). The names used are private: the series are pinned in pyproject.toml,
and `check` refuses to start on another series or where a name has moved.
"""

import asyncio
import logging
import types
from abc import abstractmethod
from fractions import Fraction
from importlib import metadata
from typing import Any

import av
import numpy as np
from aioice import ice, stun
from aiortc import MediaStreamTrack, RTCSctpTransport, rtcdtlstransport, rtcrtpreceiver
from aiortc.codecs import get_decoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcrtpsender import RTCEncodedFrame, RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)
from aiortc.utils import uint16_add
from numpy.typing import NDArray

from realtime.errors import AudioError
from server.opus_decoder import SAMPLE_RATE_HZ, OpusDecoder

log = logging.getLogger(__name__)

SERIES = {"aiortc": "1.16.", "aioice": "0.13."}
CONSENT_INTERVAL_S, CONSENT_FAILURES = 1, 3  # with CONSENT_RETRIES: a peer that is gone is noticed after 6 to 8 s
CONSENT_RETRIES = 1  # aioice has none and waits 0.5 s: a line whose round trip is longer lost every call. So it is 1.5 s
MAX_DECODED_PACKETS = 50  # one second of sound that nobody fetches
RECOVERED = "recovered"  # what a frame carries (`opaque`) that stands for a lost packet
MAX_MISORDER = 100  # packets; further back is a sender that began anew, as in aiortc's own buffer
COPIES, COPIES_APART_S = 2, 0.01
NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 5905
CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA"
)
NAMES: dict[Any, tuple[str, ...]] = {
    RTCRtpSender: ("_next_encoded_frame", "_send_rtcp", "_send_keyframe", "_handle_rtcp_packet"),
    RTCRtpReceiver: ("receive", "_send_rtcp"),
    RTCSctpTransport: ("_data_channel_receive",),
    rtcrtpreceiver: ("JitterBuffer", "decoder_worker"),
    rtcdtlstransport.RTCCertificate: ("_create_ssl_context",),
    stun.Transaction: ("__init__",),
    ice: ("CONSENT_INTERVAL", "CONSENT_FAILURES", "get_host_addresses"),
}
"""What is replaced, and where."""
ATTRIBUTES: dict[Any, tuple[str, ...]] = {
    RTCRtpSender._run_rtp: ("_RTCRtpSender__rtp_timestamp", "_RTCRtpSender__rtp_history", "_next_encoded_frame"),
    RTCRtpSender._retransmit: ("_RTCRtpSender__rtp_history", "_RTCRtpSender__rtx_payload_type"),
    RTCRtpSender._run_rtcp: ("_RTCRtpSender__lsr", "_RTCRtpSender__ntp_timestamp", "_send_rtcp"),
    RTCRtpSender._handle_rtcp_packet: ("_ssrc", "_RTCRtpSender__lsr", "_send_keyframe", "lost"),
    RTCRtpReceiver._run_rtcp: ("RtcpRrPacket", "_send_rtcp"),
    RtcpReceiverInfo.__bytes__: ("lsr", "dlsr"),
    RTCRtpReceiver.receive: ("_RTCRtpReceiver__decoder_queue", "_RTCRtpReceiver__started", "_track", "_queue", "decoder_worker"),
    RTCRtpReceiver.__init__: ("_RTCRtpReceiver__kind", "JitterBuffer"),
    RTCSctpTransport._receive: ("_data_channel_receive",),
    rtcdtlstransport.RTCDtlsTransport.start: ("_create_ssl_context",),
    ice.Connection.gather_candidates: ("get_host_addresses",),
    ice.Connection.query_consent: ("CONSENT_INTERVAL", "CONSENT_FAILURES", "request"),
    stun.Transaction.__init__: ("RETRY_MAX",),
}
"""What aiortc's own functions must use, for what replaces them to fit."""


class EncodedTrack(MediaStreamTrack):
    """A track that hands out encoded packets, and is told what the receiver asks for. repeats: everything is sent COPIES times
    more, as though it had been lost."""

    repeats: bool = False

    @abstractmethod
    def wall_time_s(self, media_s: float) -> float | None:
        """The wall clock (Unix seconds) that belongs to a media time; None before the stream began."""

    @abstractmethod
    def request_keyframe(self) -> None:
        """The receiver lost the picture."""

    @abstractmethod
    def grant_resending(self, n_packets: int) -> int:
        """How many of so many lost packets may be sent again."""

    @abstractmethod
    def limit_bitrate(self, bits_per_second: int) -> None:
        """The receiver's estimate of what its network takes."""

    @abstractmethod
    def note_loss(self, share: float, highest: int) -> None:
        """A receiver report: share of the packets that were lost since the last one; the highest sequence number that came."""


_applied = False
_host_addresses = ice.get_host_addresses


def apply(ice_addresses: tuple[str, ...] = ()) -> None:
    """Applies every change; again only changes the addresses, `ice_addresses`, that media is offered at (none: all of this
    machine's).

    Raises RuntimeError where aiortc or aioice are not those that this was written for.
    """
    global _applied
    ice.get_host_addresses = _only(ice_addresses) if ice_addresses else _host_addresses
    if _applied:
        return
    check()
    ice.CONSENT_INTERVAL, ice.CONSENT_FAILURES = CONSENT_INTERVAL_S, CONSENT_FAILURES
    _wait_for_consent()
    _receive_at_once()
    _decode_without_thread()
    _report_media_time()
    _keep_round_trip_to_ourselves()
    _pass_feedback_to_track()
    _accept_rsa_peers()
    _pass_over_garbage()
    _applied = True


def check() -> None:
    """Raises RuntimeError where aiortc or aioice are of another series, or no longer have what this module builds on."""
    for package, series in SERIES.items():
        if not metadata.version(package).startswith(series):
            raise _unfit(f"{package} {metadata.version(package)} is installed, {series}* was expected")
    for place, names in NAMES.items():
        for name in names:
            if not hasattr(place, name):
                raise _unfit(f"{place!r} has no {name!r}")
    for function, names in ATTRIBUTES.items():
        for name in names:
            if name not in _names_used(function.__code__):
                raise _unfit(f"{function.__qualname__} does not use {name!r}")


def _names_used(code: types.CodeType) -> set[str]:
    inner = (_names_used(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*inner)


def _unfit(why: str) -> RuntimeError:
    return RuntimeError(f"server/aiortc_adjustments.py does not fit: {why}")


def _only(addresses: tuple[str, ...]) -> Any:
    return lambda use_ipv4, use_ipv6: list(addresses)  # noqa: ARG005


# --- sound that comes in -------------------------------------------------------------------------------------------------------


class ImmediateBuffer:
    """Hands on each Opus packet as it comes: one packet is one frame, so there is nothing to wait for.

    Late and doubled packets are dropped, unless they are so far back that the sender must have begun anew. A packet tells how
    many before it are missing; a pause of the sender (DTX) is no gap, since its packets are numbered on.
    """

    def __init__(self) -> None:
        self.capacity = 16
        self._next: int | None = None

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        sequence = packet.sequence_number
        if self._next is not None and 0 < uint16_add(self._next, -sequence) <= MAX_MISORDER:
            return False, None
        lost = 0 if self._next is None else uint16_add(sequence, -self._next)
        self._next = uint16_add(sequence, 1)
        return False, OpusPacket(packet._data, packet.timestamp, lost if lost <= MAX_MISORDER else 0)


class OpusPacket(JitterFrame):
    """lost: packets that are missing before this one."""

    def __init__(self, data: bytes, timestamp: int, lost: int) -> None:
        super().__init__(data, timestamp)
        self.lost = lost


def _receive_at_once() -> None:
    def make(capacity: int, prefetch: int = 0, is_video: bool = False) -> Any:
        return JitterBuffer(capacity, prefetch, is_video) if is_video else ImmediateBuffer()

    rtcrtpreceiver.JitterBuffer = make  # type: ignore[assignment,attr-defined]


class InlineDecoder:
    """Stands where a receiver's decoder thread has its queue: decoding a packet of Opus takes 0.05 ms, a thread costs more.

    Keeps at most a second of sound; the oldest goes first.
    """

    def __init__(self, frames: asyncio.Queue[Any]) -> None:
        self._frames = frames
        self._decoder: Any = None
        self._opus = OpusDecoder()
        self._codec = ""

    def put(self, task: Any) -> None:
        if task is None:
            self._frames.put_nowait(None)
            return
        codec, encoded = task
        try:
            frames = (
                self._sound(encoded)
                if isinstance(encoded, OpusPacket) and codec.name.lower() == "opus"
                else self._other(codec, encoded)
            )
        except (av.FFmpegError, AudioError):
            return  # a damaged packet is a lost packet
        for frame in frames:
            if self._frames.qsize() >= MAX_DECODED_PACKETS:
                self._frames.get_nowait()
            self._frames.put_nowait(frame)

    def _sound(self, packet: OpusPacket) -> list[av.AudioFrame]:
        """The packet's sound, after that of lost ones before it."""
        blocks = self._opus.decode(packet.data, packet.lost)
        starts = [packet.timestamp - sum(map(len, blocks[index:-1])) for index in range(len(blocks))]
        frames = [_audio_frame(pcm, start) for pcm, start in zip(blocks, starts, strict=True)]
        for recovered in frames[:-1]:
            recovered.opaque = RECOVERED
        return frames

    def _other(self, codec: Any, encoded: JitterFrame) -> list[Any]:
        if codec.name != self._codec:
            self._decoder, self._codec = get_decoder(codec), codec.name
        return list(self._decoder.decode(encoded))


def _audio_frame(pcm: NDArray[np.int16], start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
    return frame


def _decode_without_thread() -> None:
    receive, worker = RTCRtpReceiver.receive, rtcrtpreceiver.decoder_worker

    async def receive_inline(self: Any, parameters: Any) -> None:
        if self._RTCRtpReceiver__kind == "audio" and not self._RTCRtpReceiver__started:
            self._RTCRtpReceiver__decoder_queue = InlineDecoder(self._track._queue)
        await receive(self, parameters)

    def work_unless_inline(loop: Any, tasks: Any, frames: Any, error: Any) -> None:
        if not isinstance(tasks, InlineDecoder):
            worker(loop, tasks, frames, error)

    RTCRtpReceiver.receive = receive_inline  # type: ignore[method-assign]
    rtcrtpreceiver.decoder_worker = work_unless_inline  # type: ignore[assignment]


# --- sound and picture that go out ---------------------------------------------------------------------------------------------


def _report_media_time() -> None:
    """Sender reports (RFC 3550, 6.4.1) map RTP time to the wall clock of the *media*, the same for both tracks: lip-sync."""
    next_frame, send_rtcp = RTCRtpSender._next_encoded_frame, RTCRtpSender._send_rtcp

    async def remember_origin(self: Any, codec: Any) -> RTCEncodedFrame | None:
        last = getattr(self, "_facewire_last", None)
        if last is not None:  # its packets have all been sent by now, so this RTP time is its own
            self._facewire_origin = (self._RTCRtpSender__rtp_timestamp - last.timestamp) & 0xFFFFFFFF
            self._facewire_clock_rate = codec.clockRate
            await _send_again(self)
        frame = await next_frame(self, codec)
        if frame is not None:
            self._facewire_last = frame
        return frame

    async def send_with_media_time(self: Any, packets: list[Any]) -> None:
        kept = [packet for packet in packets if not isinstance(packet, RtcpSrPacket) or _set_media_time(self, packet)]
        if any(isinstance(packet, RtcpSrPacket) for packet in kept) or len(kept) == len(packets):
            await send_rtcp(self, kept)

    RTCRtpSender._next_encoded_frame = remember_origin  # type: ignore[method-assign]
    RTCRtpSender._send_rtcp = send_with_media_time  # type: ignore[method-assign]


async def _send_again(sender: Any) -> None:
    """The last picture's packets as retransmissions (RFC 4588), each copy a little later: what is lost is lost in bursts.
    A receiver without them gets none: packets of one number would be two to it, and its report of loss would not be true."""
    track = getattr(sender, "track", None)
    if not (isinstance(track, EncodedTrack) and track.repeats) or sender._RTCRtpSender__rtx_payload_type is None:
        return
    time = sender._RTCRtpSender__rtp_timestamp
    sent = [packet.sequence_number for packet in sender._RTCRtpSender__rtp_history.values() if packet.timestamp == time]
    for _ in range(COPIES):
        await asyncio.sleep(COPIES_APART_S)
        for sequence in sent:
            await sender._retransmit(sequence)


def rtp_origin(sender: RTCRtpSender) -> int | None:
    """The RTP time that a sender gives to media time 0; None before its second packet."""
    return getattr(sender, "_facewire_origin", None)


def _set_media_time(sender: Any, report: RtcpSrPacket) -> bool:
    """Rewrites a report's wall clock; False for one that says nothing new, which is then not sent: nothing was sent before it, or
    since the last one."""
    track = getattr(sender, "track", None)
    if not isinstance(track, EncodedTrack):
        return True
    origin = getattr(sender, "_facewire_origin", None)
    if report.sender_info.packet_count == getattr(sender, "_facewire_reported", 0) or origin is None:
        return False
    sender._facewire_reported = report.sender_info.packet_count
    media_s = ((report.sender_info.rtp_timestamp - origin) & 0xFFFFFFFF) / sender._facewire_clock_rate
    wall_s = track.wall_time_s(media_s)
    if wall_s is None:
        return False
    ntp = int((wall_s + NTP_EPOCH_S) * (1 << 32))
    report.sender_info.ntp_timestamp = ntp
    sender._RTCRtpSender__lsr = (ntp >> 16) & 0xFFFFFFFF
    return True


def _keep_round_trip_to_ourselves() -> None:
    """Receiver reports without the two times from which a sender tells the round trip: zero, as before its first (RFC 3550,
    6.4.1). A Chromium that knows it holds every picture so much longer, once three were sent again (docs/decisions/0018)."""
    send_rtcp = RTCRtpReceiver._send_rtcp

    async def send_without_round_trip(self: Any, packet: Any) -> None:
        if isinstance(packet, RtcpRrPacket):
            for report in packet.reports:
                report.lsr = report.dlsr = 0
        await send_rtcp(self, packet)

    RTCRtpReceiver._send_rtcp = send_without_round_trip  # type: ignore[method-assign]


def _pass_feedback_to_track() -> None:
    """Keyframe requests, receiver estimates (REMB) and what was lost reach the track that encodes; it grants what is sent again
    (NACK)."""
    send_keyframe, handle = RTCRtpSender._send_keyframe, RTCRtpSender._handle_rtcp_packet

    def request_keyframe(self: Any) -> None:
        if isinstance(self.track, EncodedTrack):
            self.track.request_keyframe()
        else:
            send_keyframe(self)

    async def handle_feedback(self: Any, packet: Any) -> None:
        if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK and isinstance(self.track, EncodedTrack):
            packet.lost = packet.lost[: self.track.grant_resending(len(packet.lost))]
        _pass_reports(self, packet)
        estimate = isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP
        if not (estimate and isinstance(self.track, EncodedTrack)):
            await handle(self, packet)
            return
        try:
            bits_per_second, ssrcs = unpack_remb_fci(packet.fci)
        except ValueError:
            return
        if self._ssrc in ssrcs:
            self.track.limit_bitrate(bits_per_second)

    RTCRtpSender._send_keyframe = request_keyframe  # type: ignore[method-assign]
    RTCRtpSender._handle_rtcp_packet = handle_feedback  # type: ignore[method-assign]


def _pass_reports(sender: Any, packet: Any) -> None:
    """What a receiver says of the loss of this sender's packets."""
    if isinstance(packet, RtcpRrPacket | RtcpSrPacket) and isinstance(sender.track, EncodedTrack):
        for report in packet.reports:
            if report.ssrc == sender._ssrc:
                sender.track.note_loss(report.fraction_lost / 256, report.highest_sequence)


# --- connections ---------------------------------------------------------------------------------------------------------------


def _wait_for_consent() -> None:
    """A consent check (RFC 7675), the one request that aioice never repeats, is answered in time over slow lines as well."""
    begin: Any = stun.Transaction.__init__

    def begin_patiently(self: Any, *arguments: Any, retransmissions: int | None = None, **values: Any) -> None:
        begin(self, *arguments, retransmissions=CONSENT_RETRIES if retransmissions == 0 else retransmissions, **values)

    stun.Transaction.__init__ = begin_patiently  # type: ignore[method-assign]


def _accept_rsa_peers() -> None:
    """As a DTLS client aiortc offers suites for ECDSA certificates only; GStreamer and others have RSA ones."""
    create = rtcdtlstransport.RTCCertificate._create_ssl_context

    def create_with_rsa(self: Any, srtp_profiles: Any) -> Any:
        context = create(self, srtp_profiles)
        context.set_cipher_list(CIPHERS)
        return context

    rtcdtlstransport.RTCCertificate._create_ssl_context = create_with_rsa  # type: ignore[method-assign]


def _pass_over_garbage() -> None:
    """What a client sends over a data channel that is no UTF-8 where text was due: its message or channel is passed over. As it
    comes, the error ends the reading of the whole connection."""
    receive = RTCSctpTransport._data_channel_receive

    async def receive_what_can_be_read(self: Any, stream_id: int, pp_id: int, data: bytes) -> None:
        try:
            await receive(self, stream_id, pp_id, data)
        except ValueError as error:
            log.debug("a data channel's message was passed over: %s", error)

    RTCSctpTransport._data_channel_receive = receive_what_can_be_read  # type: ignore[method-assign]
