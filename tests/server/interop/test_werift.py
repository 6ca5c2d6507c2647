"""A call from werift: another WebRTC stack than aiortc's or a browser's, in plain JavaScript."""

from pathlib import Path

import pytest

from tests.server.conftest import StartServer
from tests.server.interop.foreign import on_werift
from tests.server.interop.recording import called

CALL_S = 5.0


@pytest.mark.parametrize("bundle_policy", ["max-bundle", "max-compat"])
async def test_a_call_from_werift(start_server: StartServer, tmp_path: Path, bundle_policy: str) -> None:
    command = [*on_werift("werift_caller"), f"--bundle={bundle_policy}"]
    server = await start_server()
    recording = await called(server, command, tmp_path, CALL_S)
    recording.check(CALL_S, size=256)
