"""A whole call over loopback: pictures and voice come back, on time, alive with the voice."""

import asyncio
import io
from pathlib import Path

import aiohttp
import numpy as np

from realtime.audio import MonoResampler, read_audio_file
from tests.server.caller import RATE_HZ, Caller
from tests.server.conftest import StartServer, base, core

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech.wav"


async def test_picture_and_voice_come_back_together(start_server: StartServer) -> None:
    server = await start_server()
    pcm = MonoResampler(RATE_HZ).push(read_audio_file(SPEECH), 16_000)
    async with Caller(base=base(server), pcm=pcm[RATE_HZ:]) as caller:
        url = await caller.call()
        connected = asyncio.get_running_loop().time()
        for t in range(6):
            caller.channel.send(f'{{"type":"ping","t":{t}}}')
            await asyncio.sleep(1)
        await caller.http.delete(url)
    video, audio = (np.array(caller.received[kind]) for kind in ("video", "audio"))
    assert video[0, 0] - connected < 1.5
    rate = (len(video) - 1) / (video[-1, 0] - video[0, 0])
    assert rate > 20, f"{rate:.1f} pictures a second"
    assert len(audio) / (audio[-1, 0] - audio[0, 0]) > 45
    # both are released by one schedule: what was spoken together arrives together (aiortc's own receiver holds sound for 80 ms)
    lateness = [np.median(track[:, 0] - track[:, 1]) for track in (video, audio)]
    assert abs(lateness[0] - lateness[1]) < 0.25
    hello = next(message for message in caller.messages if message["type"] == "hello")
    assert hello["future_audio_ms"] == 155
    stats = [message for message in caller.messages if message["type"] == "stats"]
    assert stats[-1]["frames"] > 80
    assert {message["t"] for message in caller.messages if message["type"] == "pong"} >= {1, 2, 3}
    moved = np.abs(np.diff(np.stack(caller.pictures).astype(int), axis=0)).mean((1, 2, 3))
    assert moved.max() > 0, "the portrait never moved"


async def test_an_uploaded_portrait_can_be_called_with(start_server: StartServer) -> None:
    server = await start_server()
    photograph = next((Path(__file__).parents[2] / "web_client" / "portraits").glob("*.jpg")).read_bytes()
    async with aiohttp.ClientSession() as http:
        response = await http.post(f"{base(server)}/api/portraits", data=photograph, headers={"Content-Type": "image/jpeg"})
        assert response.status == 201
        uploaded = await response.json()
        preview = await http.get(base(server) + uploaded["preview"])
        assert preview.content_type == "image/jpeg"
        refused = await http.post(f"{base(server)}/api/portraits", data=b"no picture", headers={"Content-Type": "image/png"})
        assert refused.status == 422
        assert (await refused.json())["error"]["reason"] == "unreadable"
        nine_mib = io.BytesIO(bytes(9 * 2**20))
        too_large = await http.post(f"{base(server)}/api/portraits", data=nine_mib, headers={"Content-Type": "image/png"})
        assert too_large.status == 413
    async with Caller(base=base(server), portrait=uploaded["id"]) as caller:
        await caller.call()
        await asyncio.sleep(1.5)
        assert len(caller.received["video"]) > 10


async def test_twenty_calls_leave_nothing(start_server: StartServer) -> None:
    server = await start_server()
    before = len(asyncio.all_tasks())
    for _ in range(20):
        async with Caller(base=base(server)) as caller:
            response = await caller.post(await caller.offer())
            await caller.http.delete(base(server) + response.headers["Location"])
    await asyncio.sleep(0.5)
    assert not core(server).sessions
    assert core(server).engine.n_sessions == 0  # type: ignore[union-attr]
    assert len(asyncio.all_tasks()) <= before + 2
