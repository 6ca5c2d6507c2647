"""A call from GStreamer's webrtcbin: what gateways, cameras and robots call with."""

from pathlib import Path

from tests.server.conftest import StartServer
from tests.server.interop.foreign import on_gstreamer
from tests.server.interop.recording import called

CALL_S = 5.0


async def test_a_call_from_webrtcbin(start_server: StartServer, tmp_path: Path) -> None:
    command = on_gstreamer("gstreamer_caller")
    server = await start_server()
    recording = await called(server, command, tmp_path, CALL_S)
    recording.check(CALL_S, size=256)
