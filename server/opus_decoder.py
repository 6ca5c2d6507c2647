"""Opus packets → sound, with what a lost packet's successor still knows of it.

A sender that was asked for it (`useinbandfec=1`, RFC 7587) packs a coarse copy of each block of speech into the next packet. The
decoder that PyAV wraps cannot be asked for that copy; libopus itself can, and it comes with PyAV's wheel or with the system.
Where it is not found, a lost block stays lost: the ingest reads silence there.
"""

import ctypes
import ctypes.util
import logging
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext
from numpy.typing import NDArray

from realtime.errors import AudioError

log = logging.getLogger(__name__)

Pcm = NDArray[np.int16]
SAMPLE_RATE_HZ = 48_000
MAX_BLOCK = SAMPLE_RATE_HZ * 120 // 1000  # RFC 6716, 3.2.5: 120 ms a packet at most
MAX_RECOVERED = 2  # packets of a gap: the last by its copy, the one before by concealment; older ones would come too late


class OpusDecoder:
    """One stream, 48 kHz mono. State: libopus's own, or PyAV's."""

    def __init__(self) -> None:
        library = _libopus()
        self._decode = _PyAvDecoder().decode if library is None else _LibOpusDecoder(library).decode
        self.recovers = library is not None

    def decode(self, data: bytes, lost: int = 0) -> list[Pcm]:
        """A packet's sound [n], preceded by that of lost packets before it as far as it can be had, oldest first.

        Raises AudioError where the packet is damaged.
        """
        return self._decode(data, lost)


class _LibOpusDecoder:
    def __init__(self, library: ctypes.CDLL) -> None:
        error = ctypes.c_int()
        self._library = library
        self._state = ctypes.c_void_p(library.opus_decoder_create(SAMPLE_RATE_HZ, 1, ctypes.byref(error)))
        if error.value != 0:
            raise AudioError(f"libopus makes no decoder (error {error.value})")

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, data: bytes, lost: int) -> list[Pcm]:
        samples = self._library.opus_packet_get_nb_samples(data, len(data), SAMPLE_RATE_HZ) if data else 0
        if not 0 < samples <= MAX_BLOCK:
            raise AudioError(f"{len(data)} bytes came that are no Opus packet")
        recovered = [self._run(None, samples, 0) for _ in range(min(lost, MAX_RECOVERED) - 1)]
        if lost:
            recovered.append(self._run(data, samples, 1))
        return [*recovered, self._run(data, samples, 0)]

    def _run(self, data: bytes | None, samples: int, from_copy: int) -> Pcm:
        """data None: libopus goes on as the sound would. from_copy 1: the copy of the packet before."""
        pcm = np.empty(samples, np.int16)
        out = pcm.ctypes.data_as(ctypes.c_void_p)
        done = self._library.opus_decode(self._state, data, len(data or b""), out, samples, from_copy)
        if done < 0:
            raise AudioError(f"a damaged Opus packet of {len(data or b'')} bytes came (error {done})")
        return pcm[:done]


class _PyAvDecoder:
    def __init__(self) -> None:
        codec: Any = CodecContext.create("libopus", "r")
        codec.format, codec.layout, codec.sample_rate = "s16", "mono", SAMPLE_RATE_HZ
        self._codec = codec

    def decode(self, data: bytes, lost: int) -> list[Pcm]:  # noqa: ARG002
        try:
            frames = self._codec.decode(av.Packet(data)) if data else []
        except av.FFmpegError as error:
            raise AudioError(f"a damaged Opus packet of {len(data)} bytes came") from error
        parts = [frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0] for frame in frames]
        return [np.ascontiguousarray(np.concatenate(parts), np.int16)] if parts else []


@cache
def _libopus() -> ctypes.CDLL | None:
    """PyAV's own copy, or the system's; None where there is none that fits."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus*"))
    for path in [*map(str, bundled), ctypes.util.find_library("opus")]:
        try:
            library = ctypes.CDLL(path) if path else None
            if library is not None:
                library.opus_decoder_create.restype = ctypes.c_void_p
                library.opus_decoder_destroy.restype = None
                library.opus_decode.argtypes = [
                    ctypes.c_void_p,
                    ctypes.c_char_p,
                    ctypes.c_int32,
                    ctypes.c_void_p,
                    ctypes.c_int,
                    ctypes.c_int,
                ]
                return library
        except (OSError, AttributeError):
            continue
    log.warning("libopus was not found: lost packets are silence, since nothing can read the copies in the next ones")
    return None
