"""One who offers, to a WHIP or WHEP endpoint, on GStreamer's webrtcbin. Runs on the system's Python, where gi is."""

import json
import sys
import time
import urllib.request
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from tests.server.interop.gstreamer_streams import Streams, pipeline_of  # noqa: E402

CONNECT_S = 10
TICK_MS = 10
PEER = "webrtcbin name=peer bundle-policy=max-bundle"
VP8 = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
OPUS = "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000"


class Offerer:
    """One connection, from its offer to its end after so many seconds, on GLib's loop. pipeline: with a webrtcbin named peer."""

    def __init__(self, url: str, seconds: float, pipeline: str = PEER) -> None:
        Gst.init(None)
        self._url, self._seconds = url, seconds
        self.failure = ""
        self._began_s: float | None = None
        self._loop = GLib.MainLoop()
        self.pipeline = pipeline_of(pipeline)
        self.peer = self.pipeline.get_by_name("peer")
        streams = Streams(self.pipeline, self.peer)
        self.recording: dict[str, Any] = {**streams.taken, "messages": [], "state": "", "hung_up": 0}
        self.peer.connect("notify::ice-gathering-state", self._gathered)
        self.peer.connect("notify::connection-state", self._follow)

    def prepare(self) -> None:
        """What the offer is to have, beside what the pipeline sends."""

    def tick(self, since_s: float) -> None:
        """Every 10 ms, since_s after it was connected."""

    def receive(self, caps: str) -> None:
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        self.peer.emit("add-transceiver", direction, Gst.Caps.from_string(caps))

    def run(self) -> int:
        """Prints what came; returns the program's exit code."""
        self._ice = self.peer.get_property("ice-agent")  # kept: the bindings count one reference too few
        self._ice.emit("add-local-ip-address", "127.0.0.1")
        self.pipeline.set_state(Gst.State.PAUSED)
        self.prepare()
        self.pipeline.set_state(Gst.State.PLAYING)
        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self._offer, None))
        GLib.timeout_add_seconds(CONNECT_S, self._give_up)
        self._loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        print(self.failure, file=sys.stderr)
        print(json.dumps(self.recording))
        return 1 if self.failure else 0

    def _offer(self, promise: Any, _: Any) -> None:
        reply = promise.get_reply()  # the offer lives as long as it
        offer = reply.get_value("offer")
        self.peer.emit("set-local-description", offer, Gst.Promise.new())

    def _gathered(self, peer: Any, _: Any) -> None:
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._post)

    def _post(self) -> bool:
        offer = self.peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self._url, offer.encode(), {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request) as answer:
                self._begun = urljoin(self._url, answer.headers["Location"])
                _, sdp = GstSdp.SDPMessage.new_from_text(answer.read().decode())
        except HTTPError as error:
            return self._fail(f"{error}: {error.read().decode()}\n{offer}")
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.peer.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def _follow(self, peer: Any, _: Any) -> None:
        connected = peer.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED
        if connected and self._began_s is None:
            self._began_s = time.monotonic()
            GLib.timeout_add(TICK_MS, self._go_on, self._began_s)

    def _go_on(self, began_s: float) -> bool:
        since_s = time.monotonic() - began_s
        self.tick(since_s)
        if since_s < self._seconds:
            return True
        self.recording["state"] = self.peer.get_property("connection-state").value_nick
        with urllib.request.urlopen(urllib.request.Request(self._begun, method="DELETE")) as ended:
            self.recording["hung_up"] = ended.status
        self._loop.quit()
        return False

    def _give_up(self) -> bool:
        return False if self._began_s is not None else self._fail(f"not connected after {CONNECT_S} s")

    def _fail(self, why: str) -> bool:
        self.failure = why
        self._loop.quit()
        return False
