"""What a real Chromium is told about its line, and what it makes of it."""

from typing import Any

from tests.browser.conftest import OpenPage
from tests.browser.server_process import ServerProcess

REPORTS_MS = 8000  # Chromium reports on its sound every five seconds at most, the server once a second
HEARD = """async () => [...(await probe.peers.at(-1).getStats()).values()].find(({ type }) => type === "remote-inbound-rtp")"""


def test_a_browser_hears_of_its_lost_packets_but_not_of_the_round_trip(open_page: OpenPage, server: ServerProcess) -> None:
    """Whoever knows the round trip holds pictures so much longer once three were sent again (docs/decisions/0018)."""
    page = open_page(server.url)
    page.click("#start-stop")
    page.locator("body[data-state=live]").wait_for(timeout=30_000)
    page.wait_for_timeout(REPORTS_MS)
    heard: dict[str, Any] = page.evaluate(HEARD)
    assert heard["fractionLost"] >= 0
    assert heard["roundTripTimeMeasurements"] == 0
    page.click("#start-stop")
