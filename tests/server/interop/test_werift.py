"""A call from werift: another WebRTC stack than aiortc's or a browser's, in plain JavaScript."""

import shutil
from pathlib import Path

import pytest

from tests.server.conftest import StartServer
from tests.server.interop.recording import called

HERE = Path(__file__).parent
CALL_S = 5.0


@pytest.fixture(scope="module")
def node() -> str:
    """The interpreter; the test is skipped where it or the package is not there."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node was found: apt-get install nodejs npm, then make interop")
    if not (HERE / "node_modules" / "werift").is_dir():
        pytest.skip("werift is not installed: make interop")
    return path


@pytest.mark.parametrize("bundle_policy", ["max-bundle", "max-compat"])
async def test_a_call_from_werift(start_server: StartServer, node: str, tmp_path: Path, bundle_policy: str) -> None:
    server = await start_server()
    command = [node, str(HERE / "werift_caller.mjs"), f"--bundle={bundle_policy}"]
    recording = await called(server, command, tmp_path, CALL_S)
    recording.check(CALL_S, size=256)
