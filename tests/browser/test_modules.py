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


def test_where_no_video_comes_the_delay_is_the_voice_s_and_the_drawing_s(page: Page) -> None:
    """A second of sound at 48 kHz that waited 60 ms; pictures that the page draws 25 ms after their sound."""
    before, after = ({**counters(1), "drawnLateMs": 25} for _ in range(2))
    after["audio"] |= {"jitterBufferDelay": 0.06 * 48_000, "jitterBufferEmittedCount": 48_000}
    figures = in_module(page, "stats.js", "return m.measure(...a);", [before, after, {"delay_ms": 215, "future_audio_ms": 155}])
    assert figures["parts"] == pytest.approx({"futureMs": 155, "serverMs": 60, "networkMs": 12, "bufferMs": 85})


def test_a_page_knows_its_line(page: Page) -> None:
    body = """
      const copies = (n) => ({ packetsReceived: 100 + 2 * n, retransmittedPacketsReceived: 2 * n });
      const report = (lost, received) => new Map([
        ["t", { id: "t", type: "transport", selectedCandidatePairId: "p" }],
        ["p", { id: "p", type: "candidate-pair", currentRoundTripTime: 0.18 }],
        ["a", { id: "a", type: "inbound-rtp", packetsLost: lost, packetsReceived: received }],
        ["v", { id: "v", type: "inbound-rtp", packetsLost: 0, ...copies(received) }]]);
      const line = new m.LineReport();
      const first = line.take(report(0, 0), 0);
      line.pair(0, 500);
      line.pair(1, 595);
      const second = line.take(report(5, 45), 1000);
      line.pair(1, 9000);  // its first half never came
      const third = line.take(report(5, 95), 5000);
      return [first, second, third];"""
    first, second, third = in_module(page, "line_report.js", body)
    assert first == {"loss": None, "round_trip_ms": 180, "pair_ms": None}
    assert second == {"loss": pytest.approx(0.1), "round_trip_ms": 180, "pair_ms": 95}
    assert third["pair_ms"] is None


@pytest.mark.parametrize("parameters", ["", "a=fmtp:111 minptime=10;useinbandfec=1\r\n"])
def test_an_answer_that_asks_for_a_thin_voice(page: Page, parameters: str) -> None:
    sdp = f"m=audio 9 RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\n{parameters}a=rtpmap:0 PCMU/8000\r\n"
    asked = in_module(page, "own_voice.js", "return m.askingForThinVoice(a);", sdp)
    (line,) = [line for line in asked.split("\r\n") if line.startswith("a=fmtp:111 ")]
    assert set(line.removeprefix("a=fmtp:111 ").split(";")) >= {"maxaveragebitrate=10000", "ptime=40", "usedtx=1"}
    assert "a=ptime:40\r\n" in asked
    assert in_module(page, "own_voice.js", "return m.askingForThinVoice(a);", "v=0\r\n") == "v=0\r\n"


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


@pytest.mark.parametrize(("status", "reason"), [(404, "room_unknown"), (409, "room_full"), (404, "no_such_member")])
def test_every_refusal_of_a_room_has_words(page: Page, status: int, reason: str) -> None:
    body = """
      const answer = new Response(JSON.stringify({ error: { reason: a[1], message: "The server's own." } }), { status: a[0] });
      const failure = await m.fromResponse(answer);
      return [failure.kind, failure.title];"""
    kind, title = in_module(page, "failures.js", body, [status, reason])
    assert kind == reason
    assert title not in ("The server refused the call.", "The server has a problem.")


def test_the_page_reads_every_message_of_the_protocol(page: Page) -> None:
    protocol = json.loads(PROTOCOL.read_text())
    for message in protocol["server_to_page"]:
        assert in_module(page, "protocol.js", "return m.parseMessage(JSON.stringify(a));", message) == message
    line = {"loss": 0.02104, "round_trip_ms": 183, "pair_ms": 94.8}
    nothing = {"loss": None, "round_trip_ms": None, "pair_ms": None}
    pings = [json.loads(in_module(page, "protocol.js", "return m.ping(1234.4, a);", told)) for told in (None, line, nothing)]
    me = json.loads(in_module(page, "protocol.js", "return m.me(a);", {"name": "Zoë", "muted": True}))
    mode = json.loads(in_module(page, "protocol.js", "return m.mode(a);", "motion"))
    assert [mode, *pings, me] == protocol["page_to_server"]
    assert in_module(page, "protocol.js", "return m.CHANNEL_LABEL;") == protocol["label"]


def test_every_goodbye_has_words_of_its_own(page: Page) -> None:
    messages = json.loads(PROTOCOL.read_text())["server_to_page"]
    reasons = [message["reason"] for message in messages if message["type"] == "goodbye"]
    words = [in_module(page, "failures.js", "return m.fromGoodbye(a);", reason) for reason in [*reasons, "of tomorrow"]]
    assert len(set(words)) == len(reasons) + 1


HOSTILE = [
    "",
    "no json",
    "null",
    "[]",
    '{"type":"unheard of"}',
    '{"type":"constructor"}',
    '{"type":["pong"]}',
    '{"type":"motion","state":"__proto__"}',
    '{"type":"motion","state":"sending","atlas":"42","bytes":1,"rtp_origin":0}',
    '{"type":"motion","state":"learning","progress":1e999}',
    '{"type":"room","room":"a","you":"b"}',
    '{"type":"room","room":"a","you":"b","members":[null]}',
    '{"type":"room","room":"a","you":"b","members":[{"id":1,"name":"x","muted":false}]}',
    '{"type":"stats","delay_ms":NaN}',
    '{"type":"rung","rung":{}}',
    json.dumps({"type": "goodbye", "reason": 2000 * "x"}),
    "[" * 1000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_ignores_what_it_does_not_know(page: Page, text: str) -> None:
    assert in_module(page, "protocol.js", "return m.parseMessage(a);", text) is None


def test_one_s_own_picture_pauses_where_the_line_is_poor_and_others_are_there(page: Page) -> None:
    """Alone it never does; where the others are seen as video for a while it comes back; who pressed the button has decided."""
    body = """
      const button = document.createElement("button");
      const preview = new m.OwnPreview(button);
      const learning = { type: "motion", state: "learning", progress: 0 };
      const hear = (message, asked = "auto", lines = ["video"]) => (preview.hear(message, { asked, lines }), preview.paused);
      const stats = (lines, count) => Array.from({ length: count }, () => hear({ type: "stats" }, "auto", lines)).at(-1);
      const told = [hear(learning, "motion"), hear(learning)];
      preview.setCompany(1);
      told.push(preview.paused, stats(["motion"], 40), stats(["video"], 14), stats(["video"], 1));
      told.push(hear({ type: "rung", rung: "motion", mode: "auto" }), stats(["video"], 19), stats(["video"], 1));
      button.click();
      told.push(preview.paused, hear(learning), button.textContent);
      preview.forget();
      return [...told, button.hidden];"""
    told = in_module(page, "own_preview.js", body)
    assert told == [False, False, True, True, True, False, False, False, True, False, False, "Pause my picture", True]
