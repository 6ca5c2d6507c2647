"""What comes over a webrtcbin, taken down as `recording.py` reads it. Runs on the system's Python, where gi is."""

import base64
import time
from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

DEPAYLOADERS = {"video": ("pictures", "rtpvp8depay"), "audio": ("voice", "rtpopusdepay")}


class Streams:
    """taken: pictures and voice, each [arrival in s, RTP time, base64 of a VP8 frame or an Opus packet]; asked_s: when a keyframe
    was asked for."""

    def __init__(self, pipeline: Any, peer: Any) -> None:
        self.taken: dict[str, list[Any]] = {"pictures": [], "voice": []}
        self.asked_s: list[float] = []
        self._pipeline = pipeline
        self._pictures: Any = None
        peer.connect("pad-added", self._receive)

    def ask_for_keyframe(self) -> None:
        """By the event that a decoder sends when it cannot go on; webrtcbin makes a PLI of it (RFC 4585, section 6.3.1)."""
        self.asked_s.append(time.monotonic())
        structure, _ = Gst.Structure.from_string("GstForceKeyUnit, all-headers=(boolean)true")
        self._pictures.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, structure))

    def _receive(self, _: Any, pad: Any) -> None:
        """One more stream: its packets' times, its payload."""
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind, depayloader = DEPAYLOADERS[pad.get_current_caps().get_structure(0).get_string("media")]
        chain = Gst.parse_bin_from_description(f"{depayloader} ! appsink name=sink emit-signals=true sync=false", True)
        times: list[int] = []
        pad.add_probe(Gst.PadProbeType.BUFFER, lambda _, info: _note_time(info.get_buffer(), times))
        sink = chain.get_by_name("sink")
        sink.connect("new-sample", self._take, self.taken[kind], times)
        if kind == "pictures":
            self._pictures = sink
        self._pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def _take(self, sink: Any, taken: list[Any], times: list[int]) -> Any:
        buffer = sink.emit("pull-sample").get_buffer()
        taken.append([time.monotonic(), times[-1], base64.b64encode(buffer.extract_dup(0, buffer.get_size())).decode()])
        return Gst.FlowReturn.OK


def pipeline_of(description: str) -> Any:
    """Of one element alone, too, of which `parse_launch` makes no pipeline."""
    made = Gst.parse_launch(description)
    if isinstance(made, Gst.Pipeline):
        return made
    pipeline = Gst.Pipeline()
    pipeline.add(made)
    return pipeline


def _note_time(buffer: Any, times: list[int]) -> Any:
    """The RTP time in a packet's header (RFC 3550, section 5.1)."""
    times.append(int.from_bytes(buffer.extract_dup(4, 4), "big"))
    return Gst.PadProbeReturn.OK
