"""A caller on GStreamer's webrtcbin: libnice, OpenSSL's DTLS, libsrtp, usrsctp. Runs on the system's Python, where gi is.

    python3 gstreamer_caller.py URL SPEECH SECONDS

SPEECH: a JSON list of Opus packets of 20 ms, base64. Calls, speaks, pings, hangs up, and prints what came (recording.py).
"""

import base64
import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PACKET_MS = 20
CONNECT_S = 10
MICROPHONE = (
    "webrtcbin name=peer bundle-policy=max-bundle "
    "appsrc name=microphone is-live=true format=time caps=audio/x-opus,rate=48000,channels=2,channel-mapping-family=0 "
    "! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer."
)
RECEIVED = {"video": ("pictures", "rtpvp8depay"), "audio": ("voice", "rtpopusdepay")}
VP8 = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"


class Call:
    """One call, from its offer to its end, on GLib's loop."""

    def __init__(self, url: str, speech: list[bytes], seconds: float) -> None:
        self._url, self._speech, self._seconds = url, speech, seconds
        self.recording: dict[str, Any] = {"pictures": [], "voice": [], "messages": [], "state": "", "hung_up": 0}
        self.failure = ""
        self._loop = GLib.MainLoop()
        self._pipeline = Gst.parse_launch(MICROPHONE)
        self._peer = self._pipeline.get_by_name("peer")
        self._microphone = self._pipeline.get_by_name("microphone")
        self._packet = 0
        self._peer.connect("pad-added", self._receive)
        self._peer.connect("notify::ice-gathering-state", self._gathered)
        self._peer.connect("notify::connection-state", self._follow)

    def run(self) -> None:
        self._ice = self._peer.get_property("ice-agent")  # kept: the bindings count one reference too few
        self._ice.emit("add-local-ip-address", "127.0.0.1")
        self._pipeline.set_state(Gst.State.PAUSED)
        self._channel = self._peer.emit("create-data-channel", "facewire", None)
        self._channel.connect("on-message-string", lambda _, text: self.recording["messages"].append(json.loads(text)))
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        self._peer.emit("add-transceiver", direction, Gst.Caps.from_string(VP8))
        self._pipeline.set_state(Gst.State.PLAYING)
        self._peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self._offer, None))
        GLib.timeout_add_seconds(CONNECT_S, self._give_up)
        self._loop.run()
        self._pipeline.set_state(Gst.State.NULL)

    def _offer(self, promise: Any, _: Any) -> None:
        reply = promise.get_reply()  # the offer lives as long as it
        offer = reply.get_value("offer")
        self._peer.emit("set-local-description", offer, Gst.Promise.new())

    def _gathered(self, peer: Any, _: Any) -> None:
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._post)

    def _post(self) -> bool:
        offer = self._peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self._url, offer.encode(), {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request) as answer:
                self._call = urljoin(self._url, answer.headers["Location"])
                _, sdp = GstSdp.SDPMessage.new_from_text(answer.read().decode())
        except HTTPError as error:
            return self._fail(f"{error}: {error.read().decode()}\n{offer}")
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self._peer.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def _follow(self, peer: Any, _: Any) -> None:
        if peer.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED and not self._packet:
            self._began_s = time.monotonic()
            GLib.timeout_add(PACKET_MS // 2, self._speak)

    def _speak(self) -> bool:
        """What is due by now; ends the call after its seconds."""
        while self._packet * PACKET_MS / 1000 <= time.monotonic() - self._began_s:
            buffer = Gst.Buffer.new_wrapped(self._speech[self._packet % len(self._speech)])
            buffer.pts, buffer.duration = self._packet * PACKET_MS * Gst.MSECOND, PACKET_MS * Gst.MSECOND
            self._microphone.emit("push-buffer", buffer)
            if self._packet % 50 == 0:
                self._channel.emit("send-string", json.dumps({"type": "ping", "t": self._packet}))
            self._packet += 1
        if time.monotonic() - self._began_s < self._seconds:
            return True
        self.recording["state"] = self._peer.get_property("connection-state").value_nick
        with urllib.request.urlopen(urllib.request.Request(self._call, method="DELETE")) as ended:
            self.recording["hung_up"] = ended.status
        self._loop.quit()
        return False

    def _receive(self, _: Any, pad: Any) -> None:
        """A stream of the server: its packets' times, its payload."""
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind, depay = RECEIVED[pad.get_current_caps().get_structure(0).get_string("media")]
        chain = Gst.parse_bin_from_description(f"{depay} ! appsink name=sink emit-signals=true sync=false", True)
        times: list[int] = []
        pad.add_probe(Gst.PadProbeType.BUFFER, lambda _, info: _note_time(info.get_buffer(), times))
        chain.get_by_name("sink").connect("new-sample", self._take, self.recording[kind], times)
        self._pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def _take(self, sink: Any, taken: list[Any], times: list[int]) -> Any:
        buffer = sink.emit("pull-sample").get_buffer()
        taken.append([time.monotonic(), times[-1], base64.b64encode(buffer.extract_dup(0, buffer.get_size())).decode()])
        return Gst.FlowReturn.OK

    def _give_up(self) -> bool:
        return False if self._packet else self._fail(f"not connected after {CONNECT_S} s")

    def _fail(self, why: str) -> bool:
        self.failure = why
        self._loop.quit()
        return False


def _note_time(buffer: Any, times: list[int]) -> Any:
    """The RTP time in a packet's header (RFC 3550, section 5.1)."""
    times.append(int.from_bytes(buffer.extract_dup(4, 4), "big"))
    return Gst.PadProbeReturn.OK


def main() -> int:
    Gst.init(None)
    url, path, seconds = sys.argv[1:]
    call = Call(url, [base64.b64decode(packet) for packet in json.loads(Path(path).read_text())], float(seconds))
    call.run()
    print(call.failure, file=sys.stderr)
    print(json.dumps(call.recording))
    return 1 if call.failure else 0


if __name__ == "__main__":
    sys.exit(main())
