"""The page before and during a call: what is on it, how it is reached, and that it holds still."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.server_process import ROOT, ServerProcess
from tests.browser.waiting import wait_until

LIVE = "body[data-state=live]"
PHONE = {"width": 360, "height": 740}
PORTRAITS = ROOT / "web_client" / "portraits"

KeepScreenshot = Callable[[Page, str], None]


def start_call(page: Page) -> None:
    """Press Start and wait for the first picture."""
    page.click("#start-stop")
    page.locator(f"{LIVE} .picture.is-playing").wait_for(timeout=60_000)


def test_portraits_are_named_with_their_licence(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    radios = page.get_by_role("radio")
    expect(radios.nth(3)).to_be_attached()
    for index in range(radios.count()):
        radios.nth(index).check()
        expect(page.locator("#portrait-credit")).to_contain_text(re.compile("domain|CC|licen[cs]e", re.IGNORECASE))
        expect(page.locator("#poster")).to_have_js_property("complete", True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_differ_and_both_have_contrast(
    open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot, scheme: str
) -> None:
    page = open_page(server.url, color_scheme=scheme)
    page.wait_for_timeout(300)
    keep_screenshot(page, f"idle_{scheme}")
    low = page.evaluate(CONTRASTS_BELOW, 4.5)
    assert low == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (_brightness(ground) > 128) == (scheme == "light")


def test_every_control_has_a_name_and_every_image_an_alternative(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    start_call(page)
    assert page.evaluate(NAMELESS_CONTROLS) == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(identifiers) == len(set(identifiers))


def test_a_call_by_keyboard_alone(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    before = page.locator("#poster").get_attribute("src")
    page.keyboard.press("Tab")
    expect(page.locator("#start-stop")).to_be_focused()
    assert _outline_px(page.locator("#start-stop")) >= 2
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio").first).to_be_focused()
    assert _outline_px(page.locator(".card").first) >= 2
    page.keyboard.press("ArrowRight")
    expect(page.locator("#poster")).not_to_have_attribute("src", before or "")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator(LIVE).wait_for(timeout=20_000)
    expect(page.locator("#start-stop")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status").first).to_contain_text("muted")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("ended")


def test_figures_are_measured_in_a_call(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    start_call(page)
    expect(page.locator("#figure-delay")).to_have_text(re.compile(r"^\d+ ms$"), timeout=10_000)
    expect(page.locator("#figure-frames")).to_have_text(re.compile(r"^2\d\.\d fps$"), timeout=10_000)
    expect(page.locator("#figure-loss")).to_have_text("0.0 %")
    expect(page.locator("#figure-bit-rate")).to_have_text(re.compile(r"^\d+ kbit/s$"))
    future_ms = page.evaluate("fetch('api/config').then((answer) => answer.json()).then((c) => c.future_audio_ms)")
    page.get_by_text("What the delay includes").click()
    expect(page.locator("#part-future")).to_have_text(f"{future_ms} ms")


def test_one_s_own_voice_is_silent_until_asked_for(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    start_call(page)
    expect(page.locator("video")).to_have_js_property("muted", True)
    page.get_by_role("button", name="Hear it").click()
    expect(page.locator("video")).to_have_js_property("muted", False)


def test_the_meter_shows_the_microphone_before_a_call(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Check").click()
    page.wait_for_function("Number(document.getElementById('meter').ariaValueNow) > 30", timeout=15_000)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("meter")).to_have_attribute("aria-valuetext", "off")


def test_one_s_own_photograph(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    shipped = page.locator("#poster").get_attribute("src")
    with page.expect_response("**/api/portraits") as answer:
        page.set_input_files("#portrait-file", max(PORTRAITS.glob("*.jpg")))
    assert answer.value.status == 201
    expect(page.get_by_role("radio", name="Yours")).to_be_checked()
    expect(page.locator("#poster")).to_have_attribute("src", re.compile("/preview$"))
    framed = page.locator("#poster").get_attribute("src") or ""
    assert framed != shipped
    with page.expect_request("**/whip?*") as call:
        start_call(page)
    assert call.value.url.split("portrait=")[1] == framed.split("/")[-2]


def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot) -> None:
    page = open_page(server.url, viewport=PHONE)
    assert _overhang_px(page) == 0
    start_call(page)
    assert _overhang_px(page) == 0
    keep_screenshot(page, "phone")
    assert page.locator("#start-stop").bounding_box()["y"] < PHONE["height"] - 44  # type: ignore[index]


def test_reduced_motion_is_honoured(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url, reduced_motion="reduce")
    assert page.locator("video").evaluate("(video) => getComputedStyle(video).transitionDuration") == "0s"


def _overhang_px(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_nothing_moves_when_a_call_is_connected(open_page: OpenPage, server: ServerProcess) -> None:
    """Whoever presses Start sees the page of a call at once, however long it takes to connect."""
    page = open_page(server.url)
    offers: list[Route] = []
    page.route("**/whip**", lambda route: offers.append(route) if route.request.method == "POST" else route.continue_())
    page.click("#start-stop")
    wait_until(page, lambda: len(offers) == 1, limit_ms=20_000)
    connecting = page.evaluate(PLACES)
    offers[0].continue_()
    page.locator(f"{LIVE} .picture.is-playing").wait_for(timeout=60_000)
    expect(page.locator("#rung")).not_to_be_empty()
    assert page.evaluate(PLACES) == connecting
    assert {"start-stop", "mute", "line-choice", "microphone"} <= connecting.keys()


def _outline_px(locator: Locator) -> float:
    width: str = locator.evaluate("(element) => getComputedStyle(element).outlineWidth")
    return float(width.removesuffix("px"))


def _brightness(colour: str) -> float:
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3


PLACES = """
() => Object.fromEntries([...document.querySelectorAll("[id]")].filter((one) => one.checkVisibility())
  .filter((one) => one.matches("button, select, section, p")).map((one) => [one.id, [one.offsetLeft, one.offsetTop]]))
"""

NAMELESS_CONTROLS = """
[...document.querySelectorAll("button, input, select, [role=meter], video, fieldset")]
  .filter((control) => control.checkVisibility())
  .filter((control) => !(control.ariaLabel || control.getAttribute("aria-labelledby") || control.textContent.trim()
                         || [...(control.labels ?? [])].some((label) => label.textContent.trim())))
  .map((control) => control.outerHTML)
"""

CONTRASTS_BELOW = """
(limit) => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (element) => {
    const [a, b] = [getComputedStyle(element).color, null].map((c) => luminance(c ? parse(c) : ground(element)));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...document.querySelectorAll("h1, h2, legend, p, a, button, select, .card-name, summary, dt, dd, strong")]
    .filter((element) => element.checkVisibility() && element.textContent.trim() && !element.disabled)
    .filter((element) => ratio(element) < limit)
    .map((element) => `${element.tagName} ${element.id} ${element.className}: ${ratio(element).toFixed(2)}`);
}
"""
