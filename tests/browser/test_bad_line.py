"""A call of a real Chromium over a bad network: what the browser makes of pictures that were lost and sent again."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from server.bench import latency
from server.bench.network import Network
from tests.browser.conftest import LaunchBrowser
from tests.browser.server_process import ServerProcess

FAR = Network(name="far", delay_ms=150, loss=0.06)
SENT_AGAIN = 12  # Chromium minds from the third on
LIMIT_S = 60
OBSERVED_MS = 3000
HELD_MS = 100  # the round trip takes 300, what the pictures themselves need is 20 to 40


def video(page: Page) -> dict[str, Any]:
    counters: dict[str, Any] = page.evaluate("latency.counters().then((found) => found.video)")
    return counters


def test_a_picture_is_not_held_a_round_trip_longer_because_some_were_sent_again(
    launch_browser: LaunchBrowser, fixture_microphone: tuple[str, ...], start_server: Callable[..., ServerProcess]
) -> None:
    server = start_server("--size", "256")
    with contextlib.ExitStack() as stack:
        context = launch_browser(fixture_microphone).new_context(bypass_csp=True)
        stack.callback(context.close)
        page = context.new_page()
        page.add_init_script(path=latency.PROBE)
        page.goto(server.url)
        latency.route(page, FAR, stack)
        page.click("#start-stop")
        page.locator("body[data-state=live] .is-playing").wait_for(timeout=30_000)
        limit_s = time.monotonic() + LIMIT_S
        while (before := video(page))["nackCount"] < SENT_AGAIN:
            assert time.monotonic() < limit_s, f"of so few packets none are lost: {before['packetsReceived']}"
            page.wait_for_timeout(500)
        page.wait_for_timeout(OBSERVED_MS)
        after = video(page)
    gained = {name: after[name] - before[name] for name in ("jitterBufferTargetDelay", "jitterBufferEmittedCount")}
    held_ms = 1000 * gained["jitterBufferTargetDelay"] / gained["jitterBufferEmittedCount"]
    assert held_ms < HELD_MS
