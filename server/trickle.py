"""Trickled ICE candidates: fragments of SDP (RFC 8840, section 9), sent by PATCH (RFC 9725, section 4.3)."""

from dataclasses import dataclass

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from server.errors import Refusal


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """candidates: over UDP, each with its media line; n_candidates: all that came; ufrags: of the ICE sessions it speaks of."""

    candidates: list[RTCIceCandidate]
    n_candidates: int
    ufrags: set[str]


def parse_fragment(text: str, default_mid: str) -> Fragment:
    """Raises Refusal 400 for a candidate that cannot be parsed."""
    mid, n_candidates = default_mid, 0
    candidates: list[RTCIceCandidate] = []
    ufrags: set[str] = set()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "a=mid":
            mid = value.strip()
        elif name == "a=ice-ufrag":
            ufrags.add(value.strip())
        elif name == "a=candidate":
            n_candidates += 1
            candidate = _candidate(value, mid)
            if candidate.protocol.lower() == "udp":
                candidates.append(candidate)
    return Fragment(candidates=candidates, n_candidates=n_candidates, ufrags=ufrags)


def _candidate(value: str, mid: str) -> RTCIceCandidate:
    try:
        candidate = candidate_from_sdp(value)
    except (ValueError, AssertionError, IndexError) as error:
        raise Refusal(400, "bad_candidates", "A candidate cannot be parsed.") from error
    candidate.sdpMid = mid
    return candidate
