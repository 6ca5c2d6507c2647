"""A real Chromium that would rather have H264: the page's call carries it, and its pictures move."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, LaunchBrowser
from tests.browser.server_process import ServerProcess

PREFER_H264 = """
  const add = RTCPeerConnection.prototype.addTransceiver;
  window.peers = [];
  RTCPeerConnection.prototype.addTransceiver = function (...of) {
    const transceiver = add.apply(this, of);
    if (!window.peers.includes(this)) window.peers.push(this);
    if (of[0] === "video") {
      const { codecs } = RTCRtpReceiver.getCapabilities("video");
      const first = codecs.filter(({ mimeType }) => mimeType === "video/H264");
      transceiver.setCodecPreferences([...first, ...codecs.filter((codec) => !first.includes(codec))]);
    }
    return transceiver;
  };
"""
VIDEO = """async () => {
  const report = [...(await peers.at(-1).getStats()).values()];
  const video = report.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
  return { ...video, codec: report.find(({ id }) => id === video?.codecId)?.mimeType };
}"""
PICTURES = 25


def test_a_browser_that_prefers_h264_gets_it(
    launch_browser: LaunchBrowser, fixture_microphone: tuple[str, ...], server: ServerProcess
) -> None:
    context = launch_browser(fixture_microphone).new_context(viewport=DESKTOP, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(PREFER_H264)
    page.goto(server.url)
    if not page.evaluate("RTCRtpReceiver.getCapabilities('video').codecs.some(({ mimeType }) => mimeType === 'video/H264')"):
        pytest.skip("this Chromium was built without H264")
    page.click("#start-stop")
    page.locator("body[data-state=live] .is-playing").wait_for(timeout=30_000)
    found = _after(page, PICTURES)
    context.close()
    assert found["codec"] == "video/H264"
    assert found["frameWidth"] == found["frameHeight"] >= 256
    assert found["keyFramesDecoded"] >= 1


def _after(page: Page, pictures: int) -> dict[str, Any]:
    """The browser's counters once it has decoded so many."""
    for _ in range(60):
        found: dict[str, Any] = page.evaluate(VIDEO)
        if found.get("framesDecoded", 0) >= pictures:
            return found
        page.wait_for_timeout(500)
    raise AssertionError(f"only so much was decoded: {found}")
