"""A room in real pages under churn: others come and go without a pause, reload and come back, and the two who stay see no more of
it than that."""

import re
import time
import urllib.request
from collections.abc import Callable
from functools import partial

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server_process import ServerProcess
from tests.browser.test_page import start_call
from tests.browser.test_room import open_room
from tests.browser.waiting import wait_until

CHURN_S = 12.0
STAYS_MS = 600.0
FREEZE_MS = 5000.0
"""The longest that a picture may stand: four pages and the server share a machine that may be busy."""
SETUP_S = 20.0  # after which a viewer is gone whose page went while it was asking
SMALL = {"width": 360, "height": 640}  # what pages paint costs more than all else
BUSY_MS = 60_000

WATCH = """video => {
  const gaps = (video.gapsMs = []);
  video.beforeMs = performance.now();
  const see = (nowMs) => {
    gaps.push(nowMs - video.beforeMs);
    video.beforeMs = nowMs;
    video.requestVideoFrameCallback(see);
  };
  video.requestVideoFrameCallback(see);
}"""
FORGET_CLOSED = "probe.peers = probe.peers.filter(({ connectionState }) => connectionState !== 'closed')"


class Inside:
    """What a page holds, counted after its garbage was collected."""

    def __init__(self, page: Page) -> None:
        self._page, self._devtools = page, page.context.new_cdp_session(page)

    def counts(self) -> dict[str, int]:
        self._page.evaluate(FORGET_CLOSED)
        for _ in range(2):
            self._devtools.send("HeapProfiler.collectGarbage")
        told = self._devtools.send("Memory.getDOMCounters")
        return {
            "connections": self._page.evaluate("probe.peers.length"),
            "nodes": told["nodes"],
            "listeners": told["jsEventListeners"],
        }


def names(page: Page) -> list[str]:
    return sorted(page.locator(".tile-name").all_inner_texts())


def longest_gap_ms(video: Locator) -> float:
    """From picture to picture; the last stands until now."""
    return float(video.evaluate("video => Math.max(...video.gapsMs, performance.now() - video.beforeMs)"))


def metric(server: ServerProcess, name: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=5) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def keeps_little(page: Inside, before: dict[str, int], visits: int) -> bool:
    """Of those who were there, once the last of them is forgotten. Two connections: one's own and the other's."""
    now = page.counts()
    few = now["listeners"] - before["listeners"] < visits and now["nodes"] - before["nodes"] < 8 * visits
    return few and now["connections"] == 2


def visit(page: Page, who: str, sees: Callable[[list[str]], bool]) -> None:
    """One comes, by another name than before, is there for a moment, and goes. sees: whether those who stay see just these."""
    page.get_by_label("Your name there").fill(who)
    page.click("#start-stop")
    wait_until(page, lambda: sees([who]), BUSY_MS)
    page.wait_for_timeout(STAYS_MS)
    page.click("#start-stop")
    expect(page.locator("#start-stop")).to_have_text("Join the room")
    wait_until(page, lambda: sees([]), BUSY_MS)


def test_those_who_stay_are_not_disturbed(open_page: OpenPage, start_server: Callable[..., ServerProcess]) -> None:
    server = start_server("--size", "256", "--max-sessions", "6")
    anna, link = open_room(open_page, server, viewport=SMALL)
    bob, *guests = (open_page(link, viewport=SMALL) for _ in range(3))
    other_of = {anna: "Bob", bob: "Anna"}
    for page, name in ((anna, "Anna"), (bob, "Bob")):
        page.get_by_label("Your name there").fill(name)
        start_call(page)
    for page in other_of:
        page.locator(".tile.is-playing").wait_for(timeout=BUSY_MS)
        page.get_by_label("Picture").select_option("video")

    def both_see(others: list[str]) -> bool:
        return all(names(page) == sorted([other, *others]) for page, other in other_of.items())

    for guest in guests:
        visit(guest, "First", both_see)
    inside = {page: Inside(page) for page in other_of}
    before = {page: inside[page].counts() for page in other_of}
    for page in other_of:
        for video in page.locator("video").all():
            video.evaluate(WATCH)
    began_s, visits = time.monotonic(), 0
    while time.monotonic() - began_s < CHURN_S:
        visit(guests[visits % 2], f"Guest {visits}", both_see)
        visits += 1
    guests[0].get_by_label("Your name there").fill("Carl")
    for _ in range(2):  # one reloads the page in the middle
        guests[0].click("#start-stop")
        wait_until(guests[0], lambda: both_see(["Carl"]), BUSY_MS)
        guests[0].reload()
        wait_until(anna, lambda: both_see([]), BUSY_MS)
    bob.get_by_role("button", name="Mute").click()
    expect(anna.locator(".tile-state")).to_have_text("muted")
    gaps_ms = [longest_gap_ms(video) for page in other_of for video in page.locator("video").all()]
    print(f"{visits} visits, longest gaps {gaps_ms} ms")
    assert max(gaps_ms) < FREEZE_MS
    for page in other_of:
        wait_until(page, partial(keeps_little, inside[page], before[page], visits + 2), 1000 * SETUP_S)
    wait_until(anna, lambda: [metric(server, f"facewire_{kind}") for kind in ("sessions", "viewers")] == [2, 2], 1000 * SETUP_S)
