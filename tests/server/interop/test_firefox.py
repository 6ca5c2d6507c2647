"""The page in Firefox: a whole call by its buttons, the microphone speaking the shipped sentences."""

import asyncio
import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.server.conftest import StartServer, base, core
from tests.server.interop.firefox import Firefox
from tests.server.interop.recording import liveliness
from tests.server.test_call import SPEECH

PROBE = Path(__file__).parents[2] / "browser" / "probe.js"
NAMES = ("firefox-esr", "firefox")
LOUD = 1e-4  # of what silence is, after two encoders: 1e-8; of speech: 0.05
CALL_S, CONNECT_S, GONE_S = 5.0, 20.0, 3.0
PLAYING = "document.querySelector('body[data-state=live] .picture.is-playing') !== null"
PRESS = "document.querySelector('#start-stop').click()"
WIDTH, HEIGHT = 48, 32  # of the probe's patches
MOUTH = [106, 160, WIDTH, HEIGHT]  # of the first portrait, in a picture of 256 pixels


@pytest.fixture(scope="module")
def firefox() -> str:
    path = next((path for path in map(shutil.which, NAMES) if path), None)
    if path is None:
        pytest.skip("no Firefox was found: make interop, or apt-get install firefox-esr")
    return path


async def inbound(page: Firefox, kind: str) -> dict[str, Any]:
    return next(one for one in await page.run("probe.report()") if one["type"] == "inbound-rtp" and one["kind"] == kind)


async def test_a_call_in_firefox(start_server: StartServer, firefox: str, tmp_path: Path) -> None:
    server = await start_server()
    async with Firefox(firefox, tmp_path) as page:
        await page.open(base(server), before=PROBE.read_text(), microphone=SPEECH.read_bytes())
        await page.until("document.querySelector('input[type=radio]:checked') !== null", CONNECT_S)
        await page.run(PRESS)
        await page.until(PLAYING, CONNECT_S)
        await page.run(f"probe.watchPicture({MOUTH})")
        session = next(iter(core(server).sessions.values()))
        before = {kind: await inbound(page, kind) for kind in ("video", "audio")}
        dropped = session._media.figures()["dropped"]
        await asyncio.sleep(CALL_S)
        after = {kind: await inbound(page, kind) for kind in ("video", "audio")}
        dropped = session._media.figures()["dropped"] - dropped
        patches = base64.b64decode((await page.run("probe.take()"))["patches"])
        await page.run(PRESS)
        async with asyncio.timeout(GONE_S):
            while core(server).sessions:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        endings = core(server).metrics.ended.labels("client_ended")
        assert endings._value.get() == 1, "its DELETE was heard, not only that its connection closed"
    seconds = (after["video"]["timestamp"] - before["video"]["timestamp"]) / 1000
    decoded = after["video"]["framesDecoded"] - before["video"]["framesDecoded"]
    assert after["video"]["frameWidth"] == 256
    assert decoded >= 0.85 * (25 * seconds - dropped), f"{decoded} pictures in {seconds:.1f} s, {dropped} were left out"
    packets = after["audio"]["packetsReceived"] - before["audio"]["packetsReceived"]
    assert packets >= 0.95 * 50 * seconds, f"{packets} packets of voice in {seconds:.1f} s"
    assert after["audio"]["totalAudioEnergy"] - before["audio"]["totalAudioEnergy"] > LOUD
    grey = np.frombuffer(patches, np.uint8).reshape(-1, HEIGHT, WIDTH, 1)
    assert liveliness(grey) > 15, "the mouth stands still"
