"""The page's own reckoning, module by module, in the browser that runs it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import LaunchBrowser
from tests.browser.server_process import ROOT, ServerProcess

PROTOCOL = ROOT / "tests" / "fixtures" / "protocol.json"


@pytest.fixture(scope="module")
def page(launch_browser: LaunchBrowser, fixture_microphone: tuple[str, ...], server: ServerProcess) -> Iterator[Page]:
    """One page for all: the modules keep nothing."""
    context = launch_browser(fixture_microphone).new_context()
    page = context.new_page()
    page.goto(server.url)
    yield page
    context.close()


def in_module(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """Run `body` with the module as `m` and the argument as `a`."""
    script = f"async (a) => {{ const m = await import('/static/{module}'); {body} }}"
    return page.evaluate(script, argument)


def counters(seconds: float, **changes: float) -> dict[str, Any]:
    """The browser's counters after so many seconds of an even call."""
    video = {
        "timestamp": 1000 * seconds,
        "framesDecoded": 25 * seconds,
        "totalDecodeTime": 25 * seconds * 0.002,
        "jitterBufferDelay": 25 * seconds * 0.018,
        "jitterBufferEmittedCount": 25 * seconds,
        "bytesReceived": 50_000 * seconds,
        "packetsReceived": 60 * seconds,
        "packetsLost": 0,
        **changes,
    }
    audio = {"bytesReceived": 4_000 * seconds, "packetsReceived": 50 * seconds, "packetsLost": 0}
    return {"video": video, "audio": audio, "outbound": {"bytesSent": 3_000 * seconds}, "roundTripMs": 12}


def test_the_figures_of_an_even_call(page: Page) -> None:
    hello = {"delay_ms": 215, "future_audio_ms": 155}
    moments = [counters(1), counters(3, packetsLost=11), hello]
    figures = in_module(page, "stats.js", "return m.measure(...a);", moments)
    assert figures["framesPerSecond"] == pytest.approx(25)
    assert figures["receivedKbps"] == pytest.approx(432)
    assert figures["sentKbps"] == pytest.approx(24)
    assert figures["lossPercent"] == pytest.approx(100 * 11 / (11 + 220))
    assert figures["parts"] == pytest.approx({"futureMs": 155, "serverMs": 60, "networkMs": 12, "bufferMs": 20})
    assert figures["delayMs"] == pytest.approx(247)


def test_what_is_not_known_is_not_shown(page: Page) -> None:
    unknown = {**counters(1), "roundTripMs": None}
    figures = in_module(page, "stats.js", "return m.measure(...a);", [counters(1), unknown, None])
    assert figures["delayMs"] is None
    assert figures["framesPerSecond"] is None
    assert figures["lossPercent"] is None


def test_the_back_off_doubles_up_to_eight_seconds_and_ends(page: Page) -> None:
    waits_ms = in_module(page, "back_off.js", "return [...m.backOff(() => 0.5)];")
    assert waits_ms[:6] == [500, 1000, 2000, 4000, 8000, 8000]
    assert 30_000 < sum(waits_ms) < 120_000
    spread = in_module(page, "back_off.js", "return [m.backOff(() => 0), m.backOff(() => 1)].map((w) => w.next().value);")
    assert spread == pytest.approx([400, 600])


@pytest.mark.parametrize(("drawn", "dropped", "overloaded"), [(25, 0, False), (24, 1, False), (10, 15, True), (0, 25, True)])
def test_a_server_that_draws_too_late_is_noticed(page: Page, drawn: int, dropped: int, overloaded: bool) -> None:
    messages = [{"frames": drawn * second, "dropped": dropped * second} for second in range(1, 6)]
    judged = in_module(page, "overload.js", "const o = new m.Overload(); return a.map((stats) => o.judge(stats));", messages)
    assert judged == [False, False, False, overloaded, overloaded]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NotAllowedError", "microphone_refused"),
        ("NotFoundError", "microphone_absent"),
        ("NotReadableError", "microphone_busy"),
        ("AbortError", "microphone_busy"),
    ],
)
def test_every_microphone_error_has_words(page: Page, name: str, kind: str) -> None:
    body = "const f = m.fromMicrophone(new DOMException('it failed', a)); return [f.kind, f.title, f.advice];"
    shown_kind, title, advice = in_module(page, "failures.js", body, name)
    assert shown_kind == kind
    assert title.endswith(".")
    assert len(advice) > 5


def test_the_page_reads_every_message_of_the_protocol(page: Page) -> None:
    protocol = json.loads(PROTOCOL.read_text())
    for message in protocol["server_to_page"]:
        assert in_module(page, "protocol.js", "return m.parseMessage(JSON.stringify(a));", message) == message
    ping = json.loads(in_module(page, "protocol.js", "return m.ping(a);", 1234.4))
    me = json.loads(in_module(page, "protocol.js", "return m.me(a);", {"name": "Zoë", "muted": True}))
    motion = json.loads(in_module(page, "protocol.js", "return m.motion(a);", True))
    assert [motion, ping, me] == protocol["page_to_server"]
    assert in_module(page, "protocol.js", "return m.CHANNEL_LABEL;") == protocol["label"]


def test_every_goodbye_has_words_of_its_own(page: Page) -> None:
    messages = json.loads(PROTOCOL.read_text())["server_to_page"]
    reasons = [message["reason"] for message in messages if message["type"] == "goodbye"]
    words = [in_module(page, "failures.js", "return m.fromGoodbye(a);", reason) for reason in [*reasons, "of tomorrow"]]
    assert len(set(words)) == len(reasons) + 1


@pytest.mark.parametrize("text", ["", "no json", "null", "[]", '{"type":"unheard of"}'])
def test_the_page_ignores_what_it_does_not_know(page: Page, text: str) -> None:
    assert in_module(page, "protocol.js", "return m.parseMessage(a);", text) is None
