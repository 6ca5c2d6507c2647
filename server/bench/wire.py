"""What a stream takes on the wire: payloads, and every header that goes with them."""

IP_UDP = 20 + 8  # IPv4
RTP_SRTP = 12 + 8 + 10  # header; extension for the media identification, as aiortc sends it; authentication tag
DTLS = 13 + 8 + 16  # record header, explicit nonce, tag of AES-GCM
SCTP_DATA = 12 + 16  # common header, DATA chunk's header
RTP_PAYLOAD = 1300  # aiortc's PACKET_MAX
CODEC_DESCRIPTOR = 4  # of VP8's payload format; about that of H264's


def video_bytes(frame: int) -> int:
    """An encoded picture of so many bytes, as RTP."""
    packets = -(-frame // (RTP_PAYLOAD - CODEC_DESCRIPTOR))
    return frame + packets * (CODEC_DESCRIPTOR + RTP_SRTP + IP_UDP)


def message_bytes(payload: int) -> int:
    """A data channel's message of so many bytes, in a packet of its own."""
    padded = -(-payload // 4) * 4
    return padded + SCTP_DATA + DTLS + IP_UDP


def kbps(n_bytes: float, seconds: float) -> float:
    return round(8 * n_bytes / seconds / 1000, 2)
