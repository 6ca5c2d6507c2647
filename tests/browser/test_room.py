"""Two real pages in one room: each sees and hears the other's portrait, knows the name, and notices mutes and leaving."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server_process import ROOT, ServerProcess
from tests.browser.test_page import CONTRASTS_BELOW, LIVE, NAMELESS_CONTROLS, PHONE, start_call
from tests.browser.waiting import wait_until

KeepScreenshot = Callable[[Page, str], None]
PIXELS = """video => {
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 64);
  return [...context.getImageData(16, 32, 32, 32).data];
}"""


PLACES = """async (others) => {
  const { Tile } = await import("/static/tile.js");
  const company = document.querySelector("#company");
  company.replaceChildren(...Array.from({ length: others }, () => new Tile().element));
  company.hidden = false;
  document.body.dataset.company = String(others);
  return ["#picture", ".tile"].flatMap((place) => [...document.querySelectorAll(place)]).map((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top, right, bottom];
  });
}"""
"""The edges of one's own picture and of each tile, with so many of these."""


def open_room(open_page: OpenPage, server: ServerProcess, **options: object) -> tuple[Page, str]:
    """A page that has opened a room, and the room's link."""
    page = open_page(server.url, **options)
    page.get_by_role("button", name="Open a room").click()
    link = page.get_by_label("Whoever has this link can come in")
    expect(link).to_have_value(re.compile(r"\?room=[\w-]{16}$"))
    return page, link.input_value()


def movement(video: Locator) -> float:
    """The largest change of a pixel of the lower face between pictures, over a second and a half."""
    pictures = []
    for _ in range(6):
        pictures.append(np.array(video.evaluate(PIXELS), np.int16))
        video.page.wait_for_timeout(250)
    return float(np.abs(np.diff(np.stack(pictures), axis=0)).max())


def moves(video: Locator) -> bool:
    """Whether its mouth does: the microphone's recording has pauses, longer than what is looked at."""
    return movement(video) > 15


def test_two_people_in_a_room(open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot) -> None:
    anna, link = open_room(open_page, server)
    anna.get_by_label("Your name there").fill("Anna")
    expect(anna.get_by_role("button", name="Join the room")).to_be_visible()
    start_call(anna)
    expect(anna.locator("#status")).to_contain_text("the first")
    bob = open_page(link)
    expect(bob.get_by_role("button", name="Open a room")).to_be_hidden()
    bob.get_by_label("Your name there").fill("Bob")
    start_call(bob)
    for page, other in ((anna, "Bob"), (bob, "Anna")):
        tile = page.locator(".tile")
        expect(tile).to_have_count(1)
        expect(tile.locator(".tile-name")).to_have_text(other)
        page.locator(".tile.is-playing").wait_for(timeout=60_000)
        page.locator(".tile.is-speaking").wait_for(timeout=60_000)
        wait_until(page, partial(moves, tile.locator("video")), 30_000)
        assert tile.locator("video").evaluate("video => !video.muted && !video.paused")
        assert page.evaluate(NAMELESS_CONTROLS) == []
        assert page.evaluate(CONTRASTS_BELOW, 4.5) == []
    keep_screenshot(anna, "room_of_two")

    bob.get_by_role("button", name="Mute").click()
    expect(anna.locator(".tile-state")).to_have_text("muted")
    expect(anna.locator(".tile.is-speaking")).to_have_count(0, timeout=10_000)
    bob.get_by_label("Your name there").fill("Robert")
    bob.get_by_label("Your name there").press("Enter")
    expect(anna.locator(".tile-name")).to_have_text("Robert")

    bob.get_by_role("button", name="Leave").click()
    expect(anna.locator(".tile")).to_have_count(0)
    expect(anna.locator("#status")).to_contain_text("the first")
    expect(bob.locator(".tile")).to_have_count(0)
    expect(anna.locator(LIVE)).to_be_visible()


def test_a_room_on_a_phone(open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot) -> None:
    anna, link = open_room(open_page, server, viewport=PHONE)
    anna.get_by_label("Your name there").fill("Anna")  # below the picture
    anna.mouse.wheel(0, 2000)
    anna.wait_for_function("scrollY > 0")
    anna.locator("#start-stop").evaluate("(button) => button.click()")
    anna.locator(LIVE).wait_for(timeout=60_000)
    anna.wait_for_function("scrollY === 0", timeout=5_000)
    bob = open_page(link)
    start_call(bob)
    anna.locator(".tile.is-playing").wait_for(timeout=60_000)
    keep_screenshot(anna, "room_phone")
    assert anna.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_nobody_s_face_is_covered(open_page: OpenPage, server: ServerProcess, width: int) -> None:
    """Where everyone's place is, with one to five others: in the middle, of one size from two on, beside each other."""
    page = open_page(server.url, viewport={"width": width, "height": 900})
    for others in range(1, 6):
        places = np.array(page.evaluate(PLACES, others))
        left, top, right, bottom = (places[:, edge] for edge in range(4))
        assert left.min() >= 0
        assert right.max() <= width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sizes, own = right - left, places[0]
        if others == 1:
            assert sizes[0] < 0.35 * sizes[1]
            assert own[3] < places[1, 1] + 0.4 * sizes[1], "a corner of the picture, above the mouth"
            continue
        assert np.ptp(sizes) < 1
        assert sizes.min() > 110
        apart = [
            a == b or right[a] <= left[b] or right[b] <= left[a] or bottom[a] <= top[b] or bottom[b] <= top[a]
            for a in range(len(places))
            for b in range(len(places))
        ]
        assert all(apart)
        middles = [left[top == row].min() + right[top == row].max() for row in np.unique(top)]
        assert np.ptp(middles) < 2, "a row that is not full stands in the middle"
        assert tuple(own[[1, 0]]) == max(zip(top, left, strict=True)), "oneself is the last"


def test_the_link_can_be_copied(open_page: OpenPage, server: ServerProcess) -> None:
    page, link = open_room(open_page, server, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("[data-part=copied]")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link


@pytest.mark.parametrize("name", ["a-room-that-ended", "%00"])
def test_a_room_that_has_ended_says_so_before_anything_is_asked(open_page: OpenPage, server: ServerProcess, name: str) -> None:
    page = open_page(f"{server.url}/?room={name}")
    expect(page.get_by_role("alert").first).to_contain_text("This room has ended.")
    expect(page.get_by_role("button", name="Start speaking")).to_be_visible()
    page.get_by_role("button", name="Open a room").click()
    expect(page.get_by_label("Whoever has this link can come in")).to_have_value(re.compile(r"\?room=[\w-]{16}$"))


def test_a_room_ends_with_its_server(open_page: OpenPage, start_server: Callable[..., ServerProcess]) -> None:
    """One who was in it is told, keeps name and portrait, and can open another on the spot."""
    server = start_server()
    page, link = open_room(open_page, server)
    page.get_by_label("Your name there").fill("Anna")
    start_call(page)
    server.stop()
    server.start()
    expect(page.get_by_role("alert").first).to_contain_text("This room has ended.", timeout=BUSY_MS)
    page.get_by_role("button", name="Open a room").click()
    again = page.get_by_label("Whoever has this link can come in")
    expect(again).to_have_value(re.compile(r"\?room=[\w-]{16}$"))
    assert again.input_value() != link
    expect(page.get_by_label("Your name there")).to_have_value("Anna")
    start_call(page)


def test_a_guest_without_a_token_is_told_too(open_page: OpenPage, start_server: Callable[..., ServerProcess]) -> None:
    """What they hear is that the room has ended, not that they lack a token, which they never had."""
    server = start_server("--token", "secret")
    anna = open_page(server.url)
    anna.get_by_label("Access token").fill("secret")
    anna.get_by_role("button", name="Open a room").click()
    link = anna.get_by_label("Whoever has this link can come in")
    expect(link).to_have_value(re.compile("room="))
    guest = open_page(link.input_value())
    start_call(guest)
    server.stop()
    server.start()
    expect(guest.get_by_role("alert").first).to_contain_text("This room has ended.", timeout=BUSY_MS)
    guest.get_by_role("button", name="Start speaking").click()
    expect(guest.get_by_role("alert").first).to_contain_text("access token")
    expect(guest.get_by_label("Access token")).to_be_focused()


def test_one_who_falls_out_comes_back(open_page: OpenPage, server: ServerProcess) -> None:
    """A page that is reloaded in the middle of a call is gone from the room, and comes again with the same name."""
    anna, link = open_room(open_page, server)
    start_call(anna)
    bob = open_page(link)
    bob.get_by_label("Your name there").fill("Bob")
    start_call(bob)
    expect(anna.locator(".tile-name")).to_have_text("Bob")
    bob.reload()
    expect(anna.locator(".tile")).to_have_count(0, timeout=15_000)
    start_call(bob)
    expect(anna.locator(".tile-name")).to_have_text("Bob")
    anna.locator(".tile.is-playing").wait_for(timeout=60_000)


def test_one_s_own_picture_can_pause(open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot) -> None:
    """Nothing of oneself comes any more, the other is seen on, and one's own comes back."""
    anna, link = open_room(open_page, server)
    start_call(anna)
    expect(anna.get_by_role("button", name="Pause my picture")).to_be_hidden()
    bob = open_page(link)
    start_call(bob)
    anna.locator(".tile.is-playing").wait_for(timeout=BUSY_MS)
    anna.get_by_role("button", name="Pause my picture").click()
    expect(anna.locator("#rung")).to_have_text("Your own picture is paused")
    wait_until(anna, lambda: nothing_comes(anna, 0), BUSY_MS)
    keep_screenshot(anna, "own_picture_paused")
    assert anna.evaluate(NAMELESS_CONTROLS) == []
    others = anna.evaluate(PACKETS, 1)
    wait_until(anna, lambda: anna.evaluate(PACKETS, 1) > others + 20, BUSY_MS)
    own = anna.evaluate(PACKETS, 0)
    anna.get_by_role("button", name="Show my picture").click()
    wait_until(anna, lambda: anna.evaluate(PACKETS, 0) > own + 20, BUSY_MS)
    expect(bob.locator(".tile")).to_have_attribute("data-line", "video")


def test_one_who_cannot_be_reached_is_asked_for_again(
    open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot
) -> None:
    """Their tile says so after the last try, and the button begins anew."""
    anna, link = open_room(open_page, server)
    start_call(anna)
    bob = open_page(link)
    few = (ROOT / "web_client" / "back_off.js").read_text().replace("ATTEMPTS = 12", "ATTEMPTS = 1")
    bob.route("**/static/back_off.js", lambda route: route.fulfill(body=few, content_type="text/javascript"))
    bob.route("**/whep?**", lambda route: route.abort())
    bob.reload()
    start_call(bob)
    again = bob.locator(".tile").get_by_role("button", name="Try again")
    expect(again).to_be_visible(timeout=BUSY_MS)
    keep_screenshot(bob, "tile_given_up")
    assert bob.evaluate(CONTRASTS_BELOW, 4.5) == []
    bob.unroute("**/whep?**")
    again.click()
    bob.locator(".tile.is-playing").wait_for(timeout=BUSY_MS)
    expect(again).to_be_hidden()


def test_a_guest_s_photograph_is_taken_where_the_room_was_opened_so(
    open_page: OpenPage, start_server: Callable[..., ServerProcess]
) -> None:
    """With a token: whoever opens a room says whether its link is good for that too."""
    server = start_server("--token", "secret")
    for allowed in (False, True):
        anna = open_page(server.url)
        anna.get_by_label("Access token").fill("secret")
        anna.get_by_label("Guests may bring a photograph").set_checked(allowed)
        anna.get_by_role("button", name="Open a room").click()
        link = anna.get_by_label("Whoever has this link can come in")
        expect(link).to_have_value(re.compile("room="))
        guest = open_page(link.input_value())
        guest.locator(".card").first.wait_for()
        expect(guest.locator(".card-own")).to_be_visible(visible=allowed)


BUSY_MS = 60_000
PACKETS = """async (which) => {
  const report = [...(await probe.peers.at(which).getStats()).values()];
  return report.filter(({ type }) => type === "inbound-rtp").reduce((sum, { packetsReceived }) => sum + packetsReceived, 0);
}"""


def nothing_comes(page: Page, connection: int) -> bool:
    """Over one of the page's connections, for two seconds."""
    before = page.evaluate(PACKETS, connection)
    page.wait_for_timeout(2000)
    return bool(page.evaluate(PACKETS, connection) == before)
