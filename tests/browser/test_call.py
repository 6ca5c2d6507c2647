"""A call of twenty seconds in a real browser: is the picture smooth, alive with the voice, still in silence, and in sync?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from realtime.engine import Engine
from realtime.pipeline import Pipeline
from realtime.portrait import Portrait, prepare_portrait
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from tests.browser.call_recording import CallRecording, Series, loudness, offset_ms, speech_and_silence
from tests.browser.chromium import with_microphone
from tests.browser.conftest import ARTIFACTS, DESKTOP, PROBE, LaunchBrowser
from tests.browser.microphone_file import GRID, ROOT, speech, write_microphone
from tests.browser.offline_reference import mouth_box, offline_opening
from tests.browser.server_process import ServerProcess

CALL_S = 20.0
WARM_UP_S = 2.0
SOUND_EARLY_LIMIT_MS = 40.0
SOUND_LATE_LIMIT_MS = 60.0
COMPARED_MS = 10_000.0
SAMPLES_PER_MS = 16
SOURCES = (
    "fixture",
    pytest.param("grid", marks=pytest.mark.skipif(not GRID.is_dir(), reason="no GRID clips in ../shared")),
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One recorded call: what came in, what was seen and heard, and the browser's counters before and after."""

    source: str
    portrait: Portrait
    box: tuple[int, int, int, int]
    recording: CallRecording
    before: dict[str, Any]
    after: dict[str, Any]
    layout_shift: float
    moved_picture: float

    def gained(self, counter: str) -> float:
        """By how much a counter of the received video grew."""
        return float(self.after[counter] - self.before[counter])


@pytest.fixture(params=SOURCES)
def call(
    request: pytest.FixtureRequest, launch_browser: LaunchBrowser, server: ServerProcess, tmp_path_factory: Any
) -> Iterator[Call]:
    """Twenty seconds with the first portrait, the microphone playing `source` over and over."""
    path: Path = tmp_path_factory.mktemp("call") / "microphone.wav"
    write_microphone(speech(request.param), path)
    browser = launch_browser(with_microphone(path))
    context = browser.new_context(viewport=DESKTOP, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(path=PROBE)
    page.goto(server.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    shipped = json.loads((ROOT / "web_client" / "portraits" / "portraits.json").read_text())
    image = ROOT / "web_client" / "portraits" / Path(shipped[0]["image"]).name
    portrait = prepare_portrait(image.read_bytes())
    yield _record(page, request.param, portrait)
    context.close()


def test_a_call_in_a_browser(call: Call) -> None:
    """One recording, looked at from every side."""
    _at_least_24_frames_a_second_are_decoded(call)
    _the_picture_never_freezes(call)
    _the_picture_has_its_full_size_and_stays_in_its_place(call)
    _the_mouth_moves_in_speech_and_rests_in_silence(call)
    _sound_and_picture_are_in_sync(call)


def _at_least_24_frames_a_second_are_decoded(call: Call) -> None:
    seconds = call.gained("timestamp") / 1000
    assert seconds >= CALL_S - 1
    assert call.gained("framesDecoded") / seconds >= 24


def _the_picture_never_freezes(call: Call) -> None:
    assert call.gained("freezeCount") == 0, f"longest gap {np.diff(call.recording.shown_ms).max():.0f} ms"


def _the_picture_has_its_full_size_and_stays_in_its_place(call: Call) -> None:
    assert (call.after["frameWidth"], call.after["frameHeight"]) == (512, 512)
    assert call.moved_picture == 0
    assert call.layout_shift < 0.005


def _the_mouth_moves_in_speech_and_rests_in_silence(call: Call) -> None:
    speaking, silent = _speaking_and_silent(call)
    assert silent.sum() >= 15, "the recording holds too little silence to judge"
    motion = call.recording.motion()
    in_speech, in_silence = motion[speaking[1:]].mean(), motion[silent[1:]].mean()
    assert in_speech >= 3 * in_silence, f"{in_speech:.2f} grey levels in speech, {in_silence:.2f} in silence"
    assert in_speech >= 0.5


def _sound_and_picture_are_in_sync(call: Call) -> None:
    skew_ms = _skew_ms(call)
    assert -SOUND_LATE_LIMIT_MS <= skew_ms <= SOUND_EARLY_LIMIT_MS, f"the picture comes {skew_ms:.0f} ms after the sound"


def _record(page: Page, source: str, portrait: Portrait) -> Call:
    box = mouth_box(portrait)
    page.click("#start-stop")
    page.locator("body[data-state=live] .is-playing").wait_for(timeout=20_000)
    page.evaluate("box => probe.watchPicture(box)", box)
    page.evaluate("probe.watchSound()")
    page.wait_for_timeout(1000 * WARM_UP_S)
    page.evaluate("probe.frames.length = probe.patches.length = probe.sound.length = 0")
    before = _inbound_video(page)
    page.wait_for_timeout(1000 * CALL_S)
    after = _inbound_video(page)
    recording = CallRecording.from_page(page.evaluate("probe.take()"))
    _keep_screenshot_of_speech(page, recording, source)
    page.click("#start-stop")
    return Call(
        source=source,
        portrait=portrait,
        box=box,
        recording=recording,
        before=before,
        after=after,
        layout_shift=page.evaluate("probe.layoutShift"),
        moved_picture=page.evaluate("probe.movedPicture"),
    )


def _inbound_video(page: Page) -> dict[str, Any]:
    report: list[dict[str, Any]] = page.evaluate("probe.report()")
    return next(entry for entry in report if entry["type"] == "inbound-rtp" and entry["kind"] == "video")


def _keep_screenshot_of_speech(page: Page, recording: CallRecording, source: str) -> None:
    """A picture of the call while the voice is loud."""
    loud = float(np.percentile(recording.loudness, 80))
    page.wait_for_function("loud => probe.sound.at(-1)[1] > loud", arg=loud, timeout=15_000)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"call_{source}.png")


def _speaking_and_silent(call: Call) -> tuple[Any, Any]:
    recording = call.recording
    return speech_and_silence(recording.heard_ms, recording.loudness, recording.shown_ms)


def _skew_ms(call: Call) -> float:
    """How much later than the sound the picture comes, both measured against the same speech drawn offline."""
    recording = call.recording
    once = speech(call.source)
    period_ms = len(once) / SAMPLES_PER_MS
    pcm = np.tile(once, 2)  # holds any stretch of COMPARED_MS, wherever in the loop it begins
    sound_ms, sound = loudness(pcm)
    heard = recording.heard_ms < recording.heard_ms[0] + COMPARED_MS
    sound_late_ms = offset_ms(recording.heard_ms[heard], recording.loudness[heard], sound_ms, sound, step_ms=10)
    _, silent = _speaking_and_silent(call)
    frames_ms, drawn = _offline(call, pcm)
    seen = recording.shown_ms < recording.shown_ms[0] + COMPARED_MS
    opening = recording.opening(silent)[seen]
    picture_late_ms = offset_ms(recording.shown_ms[seen], opening, frames_ms, drawn, step_ms=10)
    return (picture_late_ms - sound_late_ms + period_ms / 2) % period_ms - period_ms / 2


def _offline(call: Call, pcm: Any) -> tuple[Series, Series]:
    with Engine(load_runner(default_model())) as engine:
        pipeline = Pipeline(call.portrait, engine)
        try:
            return offline_opening(pipeline, call.portrait, pcm, call.box)
        finally:
            pipeline.close()
