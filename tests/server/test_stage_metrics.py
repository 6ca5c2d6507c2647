"""What `/metrics` says of a call that really took place: each stage of its pictures, its skew, and why pictures were lost."""

import asyncio
import re

import pytest

from server.metrics import Metrics
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, draw_slowly

pytestmark = pytest.mark.usefixtures("always_video")

CALL_S = 4
STAGES = ("ingest_wait", "features", "batch_wait", "inference", "composite", "encode", "send")


async def metrics_of(caller: Caller) -> dict[str, float]:
    """Every sample, by its name and labels."""
    text = await (await caller.http.get(f"{caller.base}/metrics")).text()
    return {name: float(value) for name, value in re.findall(r"^(facewire\S+) (\S+)$", text, re.MULTILINE)}


async def test_each_stage_of_a_call_is_a_histogram(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(CALL_S)
        found = await metrics_of(caller)
    counts = {stage: found[f'facewire_stage_ms_count{{stage="{stage}"}}'] for stage in Metrics.STAGES}
    assert set(STAGES) <= set(counts)
    shown = found['facewire_frames_total{fate="shown"}']
    assert shown > 20
    for stage in ("batch_wait", "inference", "composite", "encode", "send"):
        assert shown - 15 <= counts[stage] <= 25 * (CALL_S + 1), f"{stage}: once a frame, and some frames are never shown"
    for stage in ("ingest_wait", "features"):
        assert counts[stage] > 1.5 * shown, f"{stage}: of 20 ms of sound"
    for stage in ("inference", "composite", "encode"):
        assert found[f'facewire_stage_ms_sum{{stage="{stage}"}}'] > 0.1 * counts[stage], f"{stage} takes time"
    assert found["facewire_skew_ms_count"] == counts["send"]
    assert found["facewire_sessions"] == 1


async def test_pictures_that_are_drawn_too_late_are_counted_by_that_cause(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await start_server()
    draw_slowly(monkeypatch)
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(4)
        found = await metrics_of(caller)
    assert found['facewire_frames_lost_total{cause="drawing"}'] > 5
    assert {f'facewire_frames_lost_total{{cause="{cause}"}}' for cause in ("engine", "drawing", "backlog", "network")} <= set(
        found
    )
