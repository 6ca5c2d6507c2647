"""Poor lines between real pages and the real server: the ladder finds what a line carries, and good ones keep what they have.

Two browsers, a server that learns a face beside its calls, and a line that loses packets are much for a busy machine: everything
is waited for until it happens, and nothing is asked to have happened after a time.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from server.bench.latency import PROBE as ROUTED
from server.bench.network import Network, Relay
from tests.browser.conftest import OpenPage
from tests.browser.server_process import ServerProcess
from tests.browser.test_page import start_call
from tests.browser.test_room import open_room
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

LEARNT_MS = 240_000  # on a busy machine
SEEN_MS = 120_000
POOR = Network(name="poor", delay_ms=60, jitter_ms=5, loss=0.01, kbps=96)  # for two connections: one's own and another's
DISORDERLY = Network(name="disorderly", delay_ms=40, jitter_ms=5, loss=0.05, disordered=0.2)
LOSING = Network(name="losing", delay_ms=20, jitter_ms=2, loss=0.03)
UNASKED = 60  # packets that came again and had not been asked for
VOICE_PACKETS = 120  # enough to tell a voice that is lost from one that is not
LOST_SHARE = 0.08
PICTURES = 30
AUDIO = """async (which) => {
  const report = [...(await latency.peers.at(which).getStats()).values()];
  const { packetsLost, packetsReceived } = report.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  return { lost: packetsLost, received: packetsReceived };
}"""

RETRANSMITTED = """async () => {
  const video = (await probe.report()).find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
  return video.retransmittedPacketsReceived - video.packetsLost;
}"""

ThroughNetwork = Callable[[Page, Network], None]


@pytest.fixture
def through_network() -> Iterator[ThroughNetwork]:
    """Sends all calls that a page makes from now on over one line."""
    with ExitStack() as stack:

        def route(page: Page, network: Network) -> None:
            relays: list[Relay] = []

            def relay(port: int) -> int:
                beside = relays[0] if relays else None
                relays.append(stack.enter_context(Relay(server=("127.0.0.1", port), network=network, beside=beside)))
                return relays[-1].port

            page.add_init_script(path=ROUTED)
            page.reload()
            page.expose_function("facewireRelay", relay)
            page.evaluate("latency.callThrough(facewireRelay)")

        yield route


def begin(page: Page) -> None:
    """Over a poor line no picture may ever come."""
    page.locator("input[type=radio]:checked").first.wait_for(state="attached")
    page.click("#start-stop")
    page.locator("body[data-state=live]").wait_for(timeout=60_000)


def lost_share(page: Page, connection: int) -> float:
    """Of the voice's packets, once enough of them have come: those that the network lost. On a busy machine others come too late
    to be played; how many is not asked here."""
    before = page.evaluate(AUDIO, connection)
    wait_until(page, lambda: page.evaluate(AUDIO, connection)["received"] > before["received"] + VOICE_PACKETS, SEEN_MS)
    after = page.evaluate(AUDIO, connection)
    lost, received = (after[key] - before[key] for key in ("lost", "received"))
    return float(lost / (lost + received))


def goes_on_drawing(page: Page, canvas: str) -> None:
    """More pictures come on the canvas that is there now."""
    drawn = int(page.locator(canvas).get_attribute("data-drawn") or 0)
    more = "([canvas, drawn]) => Number(document.querySelector(canvas).dataset.drawn) > drawn"
    page.wait_for_function(more, arg=[canvas, drawn + PICTURES], timeout=SEEN_MS)


def goes_on_decoding(page: Page) -> None:
    """More video comes over the connection that the page opened last."""
    decoded = "async () => (await probe.report()).find((r) => r.type === 'inbound-rtp' && r.kind === 'video').framesDecoded"
    before = page.evaluate(decoded)
    wait_until(page, lambda: page.evaluate(decoded) > before + PICTURES, SEEN_MS)


def test_pictures_come_three_times_where_packets_are_lost_and_there_is_room(
    open_page: OpenPage, server: ServerProcess, through_network: ThroughNetwork
) -> None:
    page = open_page(server.url)
    through_network(page, LOSING)
    begin(page)
    wait_until(page, lambda: page.evaluate(RETRANSMITTED) > UNASKED, SEEN_MS)
    goes_on_decoding(page)
    expect(page.locator("body")).to_have_attribute("data-state", "live")


def test_one_of_two_is_on_a_poor_line(
    open_page: OpenPage, start_server: Callable[..., ServerProcess], through_network: ThroughNetwork
) -> None:
    """Bob gets himself and Anna as motion, her voice whole; Anna goes on seeing Bob as video."""
    server = start_server("--size", "256")
    anna, link = open_room(open_page, server)
    start_call(anna)
    bob = open_page(link)
    through_network(bob, POOR)
    begin(bob)
    bob.locator(".tile.is-motion[data-line=motion]").wait_for(timeout=LEARNT_MS)
    bob.get_by_label("Picture", exact=True).select_option("motion")  # it was found; now it is held, whatever a pair tells of room
    bob.locator(".tile.is-motion[data-line=motion]").wait_for(timeout=SEEN_MS)
    bob.wait_for_function("() => Number(document.querySelector('.tile canvas')?.dataset.components) > 10", timeout=SEEN_MS)
    goes_on_drawing(bob, ".tile canvas")
    lost = lost_share(bob, -1)
    print(f"Anna at Bob's: {100 * lost:.1f} % of the voice lost")
    assert lost < LOST_SHARE
    assert bob.locator(".tile canvas").get_attribute("data-refused") is None
    expect(anna.locator(".tile")).to_have_attribute("data-line", "video", timeout=SEEN_MS)
    goes_on_decoding(anna)


def test_motion_messages_are_lost_and_come_in_disorder(
    open_page: OpenPage, start_server: Callable[..., ServerProcess], through_network: ThroughNetwork
) -> None:
    page = open_page(start_server("--size", "256").url)
    through_network(page, DISORDERLY)
    begin(page)
    page.get_by_label("Picture", exact=True).select_option("motion")
    page.locator("#picture.is-motion[data-line=motion]").wait_for(timeout=LEARNT_MS)
    page.wait_for_function("() => Number(document.querySelector('#picture canvas')?.dataset.components) > 10", timeout=SEEN_MS)
    page.evaluate(WATCH_NUMBERS)
    page.wait_for_function(f"numbers.length > {PICTURES}", timeout=SEEN_MS)
    numbers = page.evaluate("numbers")
    assert numbers == sorted(numbers), "what comes too late is never shown"
    assert page.locator("#picture canvas").get_attribute("data-refused") is None


WATCH_NUMBERS = """() => {
  window.numbers = [];
  const canvas = document.querySelector("#picture canvas");
  const note = () => canvas.dataset.frame !== "rest" && numbers.push(Number(canvas.dataset.frame));
  new MutationObserver(note).observe(canvas, { attributeFilter: ["data-frame"] });
}"""
