"""libvpx itself, by ctypes: VP8 whose rate changes while it runs, which FFmpeg's wrapper does not pass on
(docs/decisions/0028).

It comes with PyAV's wheel, or with the system. What is not the version that these structures were written for is left alone.
"""

import ctypes
import ctypes.util
import logging
from functools import cache
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
from numpy.typing import NDArray

from realtime.errors import FacewireError
from realtime.model_spec import FRAME_MS

log = logging.getLogger(__name__)

ENCODER_ABI = 39  # VPX_ENCODER_ABI_VERSION of libvpx 1.16
I420 = 0x102
CONSTANT_RATE = 1
CPU_USED, STATIC_THRESHOLD = 13, 17  # VP8E_SET_…, vp8cx.h
FORCE_KEYFRAME, REALTIME = 1, 1
FRAME_PACKET = 0
CLOCK_HZ = 90_000
CONTEXT_BYTES = 256  # of vpx_codec_ctx_t, and some


class Config(ctypes.Structure):
    """vpx_codec_enc_cfg_t, vpx_encoder.h, as far as it is used, and room for the rest."""

    _fields_: ClassVar = [
        *((name, ctypes.c_uint) for name in ("usage", "threads", "profile", "width", "height", "bit_depth", "input_bit_depth")),
        *((name, ctypes.c_int) for name in ("time_base_num", "time_base_den")),
        *((name, ctypes.c_uint) for name in ("error_resilient", "pass_", "lag_in_frames", "drop_threshold", "resize_allowed")),
        *((name, ctypes.c_uint) for name in ("scaled_width", "scaled_height", "resize_up", "resize_down", "end_usage")),
        *((name, ctypes.c_void_p) for name in ("two_pass", "two_pass_size", "first_pass", "first_pass_size")),
        *((name, ctypes.c_uint) for name in ("kbps", "least_quantiser", "most_quantiser", "undershoot_pct", "overshoot_pct")),
        *((name, ctypes.c_uint) for name in ("buffer_ms", "buffer_at_first_ms", "buffer_wanted_ms")),
        *((name, ctypes.c_uint) for name in ("bias_pct", "section_least_pct", "section_most_pct", "complexity")),
        *((name, ctypes.c_uint) for name in ("keyframe_mode", "keyframe_least", "keyframe_most")),
        ("rest", ctypes.c_uint8 * 4096),
    ]


DEFAULTS = {"width": 320, "height": 240, "time_base_den": 30, "kbps": 256, "most_quantiser": 63, "keyframe_most": 128}
"""What libvpx's own default configuration says where the structure above is the right one."""


class Packet(ctypes.Structure):
    """vpx_codec_cx_pkt_t of a frame: kind, bytes."""

    _fields_: ClassVar = [("kind", ctypes.c_int), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class LiveVp8:
    """One stream. State: libvpx's own, and the picture that it is given. Not thread-safe.

    Raises FacewireError where libvpx takes none of it.
    """

    def __init__(self, library: ctypes.CDLL, side: int, bits_per_second: int) -> None:
        self._library, self._open = library, False
        self._context = ctypes.create_string_buffer(CONTEXT_BYTES)
        self._config = config = _defaults(library)
        config.width = config.height = side
        config.threads, config.time_base_num, config.time_base_den = 1, 1, CLOCK_HZ
        config.end_usage, config.kbps = CONSTANT_RATE, round(bits_per_second / 1000)
        config.least_quantiser, config.most_quantiser, config.overshoot_pct = 4, 52, 15
        config.buffer_ms, config.buffer_at_first_ms, config.buffer_wanted_ms = 1000, 750, 833
        config.keyframe_most = 3000
        self._check(library.vpx_codec_enc_init_ver(self._context, library.vpx_codec_vp8_cx(), config, 0, ENCODER_ABI))
        self._open = True
        for control, value in ((CPU_USED, -6), (STATIC_THRESHOLD, 1)):
            self._check(library.vpx_codec_control_(self._context, control, ctypes.c_int(value)))
        self.planar: NDArray[np.uint8] = np.zeros((3 * side // 2, side), np.uint8)
        """The picture that is encoded next, I420."""
        self._image = library.vpx_img_wrap(None, I420, side, side, 1, self.planar.ctypes.data)

    def set_rate(self, bits_per_second: int) -> None:
        """From the next picture on; nothing is begun anew."""
        kbps = round(bits_per_second / 1000)
        if kbps != self._config.kbps:
            self._config.kbps = kbps
            self._check(self._library.vpx_codec_enc_config_set(self._context, self._config))

    def encode(self, media_ms: int, *, keyframe: bool) -> bytes:
        """What `planar` holds, of a media time. How long the last one was shown, libvpx takes from the times."""
        flags = FORCE_KEYFRAME if keyframe else 0
        pts, duration = (ms * CLOCK_HZ // 1000 for ms in (media_ms, FRAME_MS))
        self._check(self._library.vpx_codec_encode(self._context, self._image, pts, duration, flags, REALTIME))
        seen, parts = ctypes.c_void_p(), []
        while found := self._library.vpx_codec_get_cx_data(self._context, ctypes.byref(seen)):
            if found.contents.kind == FRAME_PACKET:
                parts.append(ctypes.string_at(found.contents.data, found.contents.size))
        return b"".join(parts)

    def __del__(self) -> None:
        if self._open:
            self._library.vpx_codec_destroy(self._context)
        if getattr(self, "_image", None):
            self._library.vpx_img_free(self._image)

    def _check(self, result: int) -> None:
        if result:
            raise FacewireError(f"libvpx: {self._library.vpx_codec_err_to_string(result).decode()}")


@cache
def libvpx() -> ctypes.CDLL | None:
    """PyAV's own copy, or the system's; None where there is none of this version."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libvpx*"))
    for path in [*map(str, bundled), ctypes.util.find_library("vpx")]:
        try:
            library = _declared(ctypes.CDLL(path)) if path else None
            if library is not None and _fits(library):
                return library
        except (OSError, AttributeError, FacewireError):
            continue
    log.warning("no libvpx 1.16 was found: VP8 follows another rate only with a keyframe")
    return None


def _fits(library: ctypes.CDLL) -> bool:
    """Whether its structures are these, and it takes this version's calls."""
    found = _defaults(library)
    if {name: getattr(found, name) for name in DEFAULTS} != DEFAULTS:
        return False
    LiveVp8(library, 64, 100_000)
    return True


def _defaults(library: ctypes.CDLL) -> Config:
    config = Config()
    if library.vpx_codec_enc_config_default(library.vpx_codec_vp8_cx(), config, 0):
        raise FacewireError("libvpx has no default configuration")
    return config


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """With the types of what is called.

    Source: vpx_encoder.h, vpx_image.h, vp8cx.h of libvpx 1.16.
    """
    pointer, number = ctypes.c_void_p, ctypes.c_int
    library.vpx_codec_vp8_cx.restype = pointer
    library.vpx_codec_enc_config_default.argtypes = [pointer, ctypes.POINTER(Config), ctypes.c_uint]
    library.vpx_codec_enc_init_ver.argtypes = [pointer, pointer, ctypes.POINTER(Config), ctypes.c_long, number]
    library.vpx_codec_enc_config_set.argtypes = [pointer, ctypes.POINTER(Config)]
    library.vpx_codec_control_.argtypes = [pointer, number]  # and what the control takes
    library.vpx_codec_encode.argtypes = [pointer, pointer, ctypes.c_int64, ctypes.c_ulong, ctypes.c_long, ctypes.c_ulong]
    library.vpx_codec_get_cx_data.argtypes = [pointer, pointer]
    library.vpx_codec_get_cx_data.restype = ctypes.POINTER(Packet)
    library.vpx_codec_destroy.argtypes = [pointer]
    library.vpx_codec_err_to_string.argtypes, library.vpx_codec_err_to_string.restype = [number], ctypes.c_char_p
    library.vpx_img_wrap.argtypes = [pointer, number, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, pointer]
    library.vpx_img_wrap.restype = pointer
    library.vpx_img_free.argtypes = [pointer]
    return library
