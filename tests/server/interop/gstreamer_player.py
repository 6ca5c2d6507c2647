"""A player on GStreamer's webrtcbin, which watches over WHEP and has no data channel. Runs on the system's Python, where gi is.

    python3 -m tests.server.interop.gstreamer_player URL SECONDS

Watches, goes, and prints what came (recording.py).
"""

import sys

from tests.server.interop.gstreamer_offerer import OPUS, VP8, Offerer


class Player(Offerer):
    """One who watches and listens."""

    def prepare(self) -> None:
        self.receive(OPUS)
        self.receive(VP8)


if __name__ == "__main__":
    url, seconds = sys.argv[1:]
    sys.exit(Player(url, float(seconds)).run())
