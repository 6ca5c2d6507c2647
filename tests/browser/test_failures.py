"""Everything that can go wrong, as a person meets it: the words on the page, and what the page does next."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import INSECURE_HOST, with_microphone_refused, without_microphone
from tests.browser.conftest import OpenPage
from tests.browser.server_process import ServerProcess
from tests.browser.test_page import LIVE, PORTRAITS, start_call

StartServer = Callable[..., ServerProcess]
KeepScreenshot = Callable[[Page, str], None]
AGAIN_LIMIT_MS = 30_000
STOP_DURING = """(step) => {  // the button is pressed while the browser is still at it
  const within = RTCPeerConnection.prototype;
  const original = within[step];
  within[step] = function (...given) {
    within[step] = original;
    const running = original.apply(this, given);
    document.getElementById("start-stop").click();
    window.hasBeenStopped = true;
    return running;
  };
}"""


def test_permission_refused(open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot) -> None:
    page = open_page(server.url, flags=with_microphone_refused())
    page.click("#start-stop")
    expect(page.locator("#failure")).to_contain_text("The microphone was refused. Allow it for this page")
    expect(page.locator("#start-stop")).to_be_enabled()
    keep_screenshot(page, "permission_refused")


def test_no_microphone(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url, flags=without_microphone())
    if page.evaluate("navigator.mediaDevices.enumerateDevices().then((all) => all.map(({kind}) => kind))"):
        pytest.skip("this machine has a microphone of its own")
    page.click("#start-stop")
    expect(page.locator("#failure")).to_contain_text("No microphone was found. Plug one in")


def test_a_page_that_is_not_secure_says_how_to_make_it_so(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(f"http://{INSECURE_HOST}:{server.port}")
    expect(page.locator("#failure")).to_contain_text("may not use a microphone")
    expect(page.locator("#failure")).to_contain_text(f"--self-signed and open https://{INSECURE_HOST}:{server.port}")
    expect(page.locator("#failure")).to_contain_text(f"http://localhost:{server.port}")
    expect(page.locator("#start-stop")).to_be_disabled()


@pytest.mark.parametrize("content", ["no face", "no picture"])
def test_portrait_refused_with_the_reason(
    open_page: OpenPage, server: ServerProcess, keep_screenshot: KeepScreenshot, tmp_path: Path, content: str
) -> None:
    page = open_page(server.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    chosen = page.locator("input[type=radio]:checked").get_attribute("value")
    photograph = tmp_path / "photograph.png"
    if content == "no face":
        cv2.imwrite(str(photograph), np.full((400, 400, 3), 128, np.uint8))
    else:
        photograph.write_bytes(b"no picture at all")
    page.set_input_files("#portrait-file", photograph)
    refusal = page.locator("#portrait-failure")
    expect(refusal).to_contain_text("face" if content == "no face" else "JPEG, PNG or WebP", timeout=10_000)
    expect(page.locator("input[type=radio]:checked")).to_have_value(chosen or "")
    expect(page.get_by_role("radio", name="Yours")).to_have_count(0)
    keep_screenshot(page, f"portrait_{content.replace(' ', '_')}")


def test_a_full_server_is_waited_for(open_page: OpenPage, start_server: StartServer, keep_screenshot: KeepScreenshot) -> None:
    url = start_server("--max-sessions", "1").url
    first, second = open_page(url), open_page(url)
    start_call(first)
    second.click("#start-stop")
    expect(second.locator("#failure")).to_contain_text("Every place on this server is taken")
    expect(second.locator("#status")).to_contain_text(re.compile(r"Trying again in \d+ s"))
    keep_screenshot(second, "server_full")
    first.click("#start-stop")
    second.locator(f"{LIVE} .is-playing").wait_for(timeout=AGAIN_LIMIT_MS)
    expect(second.locator("#failure")).to_be_hidden()


def test_a_token_is_asked_for(open_page: OpenPage, start_server: StartServer, keep_screenshot: KeepScreenshot) -> None:
    page = open_page(start_server("--token", "open-sesame").url)
    token = page.get_by_label("Access token")
    expect(token).to_be_visible()
    token.fill("wrong")
    page.click("#start-stop")
    expect(page.locator("#failure")).to_contain_text("The access token is missing or wrong.")
    expect(token).to_be_focused()
    keep_screenshot(page, "token")
    token.fill("open-sesame")
    token.press("Enter")
    page.locator(LIVE).wait_for(timeout=20_000)


def test_a_server_that_stops_says_goodbye_and_is_called_again_with_one_s_own_portrait(
    open_page: OpenPage, start_server: StartServer, keep_screenshot: KeepScreenshot
) -> None:
    running = start_server()
    page = open_page(running.url)
    page.set_input_files("#portrait-file", max(PORTRAITS.glob("*.jpg")))  # a new server knows nothing of it: it is sent again
    expect(page.get_by_role("radio", name="Yours")).to_be_checked(timeout=10_000)
    start_call(page)
    running.stop()
    expect(page.locator("#status")).to_contain_text("The server is shutting down. Connecting again…", timeout=5_000)
    expect(page.locator(".is-playing")).to_have_count(0)
    keep_screenshot(page, "reconnecting")
    running.start()
    page.locator(f"{LIVE} .is-playing").wait_for(timeout=AGAIN_LIMIT_MS)


def test_a_server_that_vanishes_is_noticed(open_page: OpenPage, start_server: StartServer) -> None:
    running = start_server()
    page = open_page(running.url)
    start_call(page)
    running.kill()
    expect(page.locator("#status")).to_contain_text("The connection was lost. Connecting again…", timeout=20_000)
    page.click("#start-stop")
    expect(page.locator("#status")).to_contain_text("ended")


@pytest.mark.parametrize("step", ["setLocalDescription", "setRemoteDescription"])
def test_a_call_that_is_stopped_while_it_begins_is_over(open_page: OpenPage, server: ServerProcess, step: str) -> None:
    page = open_page(server.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    page.evaluate(STOP_DURING, step)
    page.click("#start-stop")
    page.wait_for_function("window.hasBeenStopped && document.body.dataset.state === 'idle'", timeout=5_000)
    expect(page.locator("#start-stop")).to_have_text("Start speaking")
    start_call(page)


def test_a_call_that_is_stopped_while_a_photograph_is_on_its_way_is_over(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(server.url)
    page.route("**/portraits", lambda route: None if route.request.method == "POST" else route.continue_())
    page.set_input_files("#portrait-file", max(PORTRAITS.glob("*.jpg")))
    expect(page.get_by_role("radio", name="Yours")).to_be_checked(timeout=10_000)
    page.click("#start-stop")
    page.wait_for_function("document.body.dataset.state === 'connecting'", timeout=5_000)
    page.click("#start-stop")
    page.wait_for_function("document.body.dataset.state === 'idle'", timeout=5_000)


def test_a_server_that_is_not_there(open_page: OpenPage, start_server: StartServer) -> None:
    running = start_server()
    page = open_page(running.url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    running.stop()
    page.click("#start-stop")
    expect(page.locator("#failure")).to_contain_text("The server does not answer.")
    expect(page.locator("#start-stop")).to_have_text("Start speaking")
