"""A call from GStreamer's webrtcbin: what gateways, cameras and robots call with."""

import subprocess
from pathlib import Path

import pytest

from tests.server.conftest import StartServer
from tests.server.interop.recording import called

CALLER = Path(__file__).with_name("gstreamer_caller.py")
SYSTEM_PYTHON = Path("/usr/bin/python3")
"""Of the distribution, as its gi is."""
NEEDED = ("webrtcbin", "nicesrc", "dtlsdec", "rtpopuspay", "rtpvp8depay", "sctpdec")
PROBE = f"""
import gi, sys
gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
sys.exit(" ".join(name for name in {NEEDED} if Gst.ElementFactory.find(name) is None) or 0)
"""
CALL_S = 5.0


@pytest.fixture(scope="module")
def system_python() -> str:
    """The interpreter; the test is skipped where it, GStreamer, or one of its elements is not there."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"no {SYSTEM_PYTHON}: GStreamer's caller runs on the distribution's Python")
    probe = subprocess.run([SYSTEM_PYTHON, "-c", PROBE], capture_output=True, text=True, check=False)
    if probe.returncode:
        missing = probe.stderr.strip().splitlines()[-1]
        pytest.skip(f"GStreamer's webrtcbin is not whole ({missing}): make interop")
    return str(SYSTEM_PYTHON)


async def test_a_call_from_webrtcbin(start_server: StartServer, system_python: str, tmp_path: Path) -> None:
    server = await start_server()
    recording = await called(server, [system_python, str(CALLER)], tmp_path, CALL_S)
    recording.check(CALL_S, size=256)
