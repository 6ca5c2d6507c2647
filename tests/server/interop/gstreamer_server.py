"""A WHIP server (RFC 9725) on GStreamer's webrtcbin, for one session. Runs on the system's Python, where gi is.

    python3 -m tests.server.interop.gstreamer_server TOKEN

Prints its endpoint. Takes one offer, asks three times for a keyframe, and on DELETE prints what came
(recording.py) and ends.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from tests.server.interop.gstreamer_streams import Streams, pipeline_of  # noqa: E402

GATHERED_S = 5
ASK_EACH_MS, ASKED = 1500, 3
SESSION = "/session"


class Session:
    """What one offer is answered with, and what comes from then on."""

    def __init__(self) -> None:
        self._pipeline = pipeline_of("webrtcbin name=peer bundle-policy=max-bundle")
        self._peer = self._pipeline.get_by_name("peer")
        self._gathered = threading.Event()
        self.streams = Streams(self._pipeline, self._peer)
        self._peer.connect("notify::ice-gathering-state", self._follow_gathering)
        self._ice = self._peer.get_property("ice-agent")  # kept: the bindings count one reference too few
        self._ice.emit("add-local-ip-address", "127.0.0.1")
        self._pipeline.set_state(Gst.State.PLAYING)

    def answer(self, offer: str) -> str:
        """The answer with all candidates."""
        _, sdp = GstSdp.SDPMessage.new_from_text(offer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        self._settle("set-remote-description", description)
        reply = self._settle("create-answer", None)
        self._settle("set-local-description", reply.get_value("answer"))
        self._gathered.wait(GATHERED_S)
        GLib.timeout_add(ASK_EACH_MS, self._ask)
        return str(self._peer.get_property("local-description").sdp.as_text())

    def end(self) -> dict[str, Any]:
        """The recording."""
        state = self._peer.get_property("connection-state").value_nick
        self._pipeline.set_state(Gst.State.NULL)
        return {**self.streams.taken, "asked_s": self.streams.asked_s, "messages": [], "state": state, "hung_up": 200}

    def _settle(self, action: str, argument: Any) -> Any:
        promise = Gst.Promise.new()
        self._peer.emit(action, argument, promise)
        promise.wait()
        return promise.get_reply()

    def _follow_gathering(self, peer: Any, _: Any) -> None:
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _ask(self) -> bool:
        if len(self.streams.taken["pictures"]) < 2:
            return True
        self.streams.ask_for_keyframe()
        return len(self.streams.asked_s) < ASKED


class Endpoint(BaseHTTPRequestHandler):
    """POST /live, DELETE /session."""

    session: Session
    token: str

    def do_POST(self) -> None:
        if self.headers["Authorization"] != f"Bearer {self.token}" or self.headers["Content-Type"] != "application/sdp":
            return self._say(401, "")
        Endpoint.session = Session()
        answer = self.session.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._say(201, answer, {"Content-Type": "application/sdp", "Location": SESSION})
        return None

    def do_DELETE(self) -> None:
        print(json.dumps(self.session.end()))
        self._say(200, "")
        threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *_: object) -> None:
        return

    def _say(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


def main() -> None:
    Gst.init(None)
    Endpoint.token = sys.argv[1]
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/live", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
