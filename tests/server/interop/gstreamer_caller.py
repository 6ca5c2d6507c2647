"""A caller on GStreamer's webrtcbin: libnice, OpenSSL's DTLS, libsrtp, usrsctp. Runs on the system's Python, where gi is.

    python3 -m tests.server.interop.gstreamer_caller URL SPEECH SECONDS

SPEECH: a JSON list of Opus packets of 20 ms, base64. Calls, speaks, pings, hangs up, and prints what came (recording.py).
"""

import base64
import json
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

from tests.server.interop.gstreamer_offerer import PEER, VP8, Offerer  # noqa: E402

PACKET_MS = 20
MICROPHONE = (
    f"{PEER} "
    "appsrc name=microphone is-live=true format=time caps=audio/x-opus,rate=48000,channels=2,channel-mapping-family=0 "
    "! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer."
)


class Call(Offerer):
    """One who speaks, and says on a data channel that they are there."""

    def __init__(self, url: str, speech: list[bytes], seconds: float) -> None:
        super().__init__(url, seconds, MICROPHONE)
        self._speech, self._packet = speech, 0
        self._microphone = self.pipeline.get_by_name("microphone")

    def prepare(self) -> None:
        self._channel = self.peer.emit("create-data-channel", "facewire", None)
        self._channel.connect("on-message-string", lambda _, text: self.recording["messages"].append(json.loads(text)))
        self.receive(VP8)

    def tick(self, since_s: float) -> None:
        """Speaks what is due by now."""
        while self._packet * PACKET_MS / 1000 <= since_s:
            buffer = Gst.Buffer.new_wrapped(self._speech[self._packet % len(self._speech)])
            buffer.pts, buffer.duration = self._packet * PACKET_MS * Gst.MSECOND, PACKET_MS * Gst.MSECOND
            self._microphone.emit("push-buffer", buffer)
            if self._packet % 50 == 0:
                self._channel.emit("send-string", json.dumps({"type": "ping", "t": self._packet}))
            self._packet += 1


if __name__ == "__main__":
    url, path, seconds = sys.argv[1:]
    speech = [base64.b64decode(packet) for packet in json.loads(Path(path).read_text())]
    sys.exit(Call(url, speech, float(seconds)).run())
