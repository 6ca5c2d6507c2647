"""`facewire bench latency`: a real call in a real Chromium; how long from the microphone to the voice and to the moving mouth.

The browser's microphone plays bursts cut from recorded speech. Measured inside the page: from when a burst is spoken, by the
microphone's track (after the browser's own echo and noise processing), to its picture as it is drawn, and to the voice as it is
heard: its track, and what the browser says that its sound output takes. That is what it keeps in step with the picture. Not in
it: the time that sound cards and screens do not tell of. Server and browser are on one machine; between them is nothing, or a
network made in user space (`network.py`).
"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

from playwright.sync_api import Page, sync_playwright

from realtime.engine import Engine
from realtime.errors import ConfigError
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.bench import call_delay, material
from server.bench.delay_budget import MOUTH_CODEC_MS, VOICE_CODEC_MS, budget, budget_table
from server.bench.network import CLEAN, Network, Relay
from server.bench.progress import tell
from server.bench.record import Figures, summary, table
from server.bench.serving import Serving, available_cores, serving
from server.memory import set_aside
from server.voices import FAST, LEAD_MS

PROBE = Path(__file__).with_name("latency_probe.js")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
SETTLE_MS = 4000  # the browser's buffers find their size
FIRST_FRAME_CALLS = 8
BETWEEN_CALLS_MS = 300
PART_S = 2.0


def run(
    *, model: Path | None, size: int, speech: Path, seconds: float, networks: Sequence[Network] = (CLEAN,)
) -> tuple[str, Figures, list[str]]:
    """Title, figures and tables of the record. The first network's figures stand on top, those of all by name below.

    Raises ConfigError where there is no browser or the server does not start; AudioError.
    """
    pcm = material.bursts(material.read_speech(speech))
    key, portrait = material.first_portrait(size)
    box = call_delay.mouth_box(portrait)
    tell("the mouth's movements are drawn offline, to compare with")
    with Engine(load_runner(model or default_model())) as engine:
        spec = engine.spec
        offline = call_delay.drawn_offline(engine, portrait, pcm, box)
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "bursts.wav"
        material.write_wav(pcm, microphone)
        flags = ["--size", str(size), *(["--model", str(model)] if model else [])]
        with serving(flags, available_cores(), Path(folder) / "server.txt") as server:
            for network in networks:
                tell(f"over {network.in_words}: a call of {seconds:g} s, then {FIRST_FRAME_CALLS - 1} short ones")
                found = _measure(server, microphone, network, key, box, seconds)
                taken, stages = found.pop("taken"), found.pop("stages")
                delays = call_delay.burst_delays(taken, pcm, offline)
                figures = figures_of(delays, found["call"]["audio_output_ms"])
                budgets = _budgets(delays, taken, {**stages, "future_ms": float(spec.future_ms)}, found["call"])
                measured[network.name] = {"network": network.in_words, **figures, **found, **budgets}
    configuration = {"model": f"{spec.system}/{spec.preset}", "size": size, "future_ms": spec.future_ms, "seconds": seconds}
    figures = {"configuration": configuration, **measured[networks[0].name], "networks": measured}
    tables = [part for found in measured.values() for part in _tables(found)]
    return f"Delay of a call: {spec.system}/{spec.preset}, {size} px, Chromium on the same machine", figures, tables


def _measure(server: Serving, microphone: Path, network: Network, portrait: str, box: call_delay.Box, seconds: float) -> Figures:
    """One call over one network, and then some more for their first pictures."""
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(open_page(microphone))
        page.goto(server.url)
        relays = route(page, network, stack) if network != CLEAN else []
        page.locator(f"input[type=radio][value='{portrait}']").check(force=True)
        first = [begin(page)]
        found = _call(page, server, box, seconds)
        found["stages"] |= {
            "up_ms": relays[0].up.mean_ms if relays else 0.0,
            "down_ms": relays[0].down.mean_ms if relays else 0.0,
        }
        for _ in range(FIRST_FRAME_CALLS - 1):
            page.click("#start-stop")
            page.wait_for_timeout(BETWEEN_CALLS_MS)
            first.append(begin(page))
        page.click("#start-stop")
    return {**found, "first_frame_ms": summary(first)}


def route(page: Page, network: Network, stack: contextlib.ExitStack) -> list[Relay]:
    """The calls of a page that has PROBE go over the network from now on; the list grows with each."""
    relays: list[Relay] = []

    def relay(port: int) -> int:
        relays.append(stack.enter_context(Relay(server=("127.0.0.1", port), network=network)))
        return relays[-1].port

    page.expose_function("facewireRelay", relay)
    page.evaluate("latency.callThrough(facewireRelay)")
    return relays


def begin(page: Page) -> float:
    """Starts a call; ms from `connected` to its first picture on screen."""
    page.evaluate("latency.watchFirstFrame()")
    page.click("#start-stop")
    page.wait_for_function("latency.firstFrameMs !== undefined", timeout=20_000)
    return float(page.evaluate("latency.firstFrameMs - latency.connectedMs"))


def figures_of(delays: list[call_delay.BurstDelays], output_ms: float) -> Figures:
    """output_ms: from the voice's track to its sound."""
    voice = [delay.voice_ms + output_ms for delay in delays if delay.voice_ms is not None]
    picture = [delay.picture_ms for delay in delays if delay.picture_ms is not None]
    skew = [d.picture_ms - d.voice_ms - output_ms for d in delays if d.picture_ms is not None and d.voice_ms is not None]
    if not skew:
        raise ConfigError(f"{len(delays)} bursts were heard and none came back as voice and picture: the call did not work")
    return {
        "bursts": len(delays),
        "mic_to_voice_ms": summary(voice),
        "mic_to_mouth_ms": summary(picture),
        "skew_ms": {**summary(skew), "p95_abs": summary([abs(value) for value in skew])["p95"]},
    }


def _budgets(delays: Sequence[call_delay.BurstDelays], taken: dict[str, Any], stages: dict[str, float], call: Figures) -> Figures:
    """Where the mean to the mouth goes, and the mean to the voice."""
    mouth_ms = mean(delay.picture_ms for delay in delays if delay.picture_ms is not None)
    voice_ms = call["audio_output_ms"] + mean(delay.voice_ms for delay in delays if delay.voice_ms is not None)
    heard_after_ms = call["audio_buffer_ms"] + call["audio_output_ms"]
    return {
        "budget_ms": budget(whole_ms=mouth_ms, codec_ms=MOUTH_CODEC_MS, browser_ms=mean(taken["shownAfterMs"]), **stages),
        "voice_budget_ms": budget(
            whole_ms=voice_ms, codec_ms=VOICE_CODEC_MS, browser_ms=heard_after_ms, lead_ms=LEAD_MS[FAST], **stages
        ),
    }


def _tables(found: Figures) -> list[str]:
    names = {
        "microphone → mouth on screen": "mic_to_mouth_ms",
        "microphone → voice as heard": "mic_to_voice_ms",
        "picture after voice": "skew_ms",
        "first picture after `connected`": "first_frame_ms",
    }
    rows = [(name, *(found[key][column] for column in ("p50", "p95", "p99", "n"))) for name, key in names.items()]
    call = found["call"]
    others = [
        ("picture and voice apart, p95", f"{found['skew_ms']['p95_abs']} ms"),
        ("pictures decoded a second", call["frames_a_second"]),
        ("freezes", call["freezes"]),
        ("packets that never came", call["packets_lost"]),
        ("browser's buffer, picture / voice", f"{call['video_buffer_ms']} / {call['audio_buffer_ms']} ms"),
        ("browser's sound output, as it says", f"{call['audio_output_ms']} ms"),
        ("received", f"{call['kbps']} kbit/s"),
        ("server, of a core", f"{call['server_percent_of_a_core']} %"),
    ]
    return [
        f"## Over {found['network']}\n",
        table(("ms", "p50", "p95", "p99", "n"), rows),
        table(("", ""), others),
        budget_table(found["budget_ms"], found["voice_budget_ms"]),
    ]


@contextlib.contextmanager
def open_page(microphone: Path) -> Iterator[Page]:
    """A page of a Chromium whose microphone plays a file over and over."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ConfigError("no Chromium was found: install one (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
        running = playwright.chromium.launch(executable_path=browser, args=flags)
        page = running.new_context(bypass_csp=True).new_page()
        page.add_init_script(path=PROBE)
        set_aside()  # a full collection of what this process has loaded would hold every packet of its relays for 60 ms
        yield page
        running.close()


def _call(page: Page, server: Serving, box: call_delay.Box, seconds: float) -> Figures:
    """What is measured in a call that has begun."""
    page.evaluate("box => latency.watch(box)", box)
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("latency.take()")
    before, totals, busy_s = page.evaluate("latency.counters()"), _totals(server), server.processor_s
    recorded = record(page, seconds)
    after, later, busy_s = page.evaluate("latency.counters()"), _totals(server), server.processor_s - busy_s
    call = {
        "server_delay_ms": page.evaluate("fetch('api/config').then((answer) => answer.json()).then((c) => c.delay_ms)"),
        "server_percent_of_a_core": round(100 * busy_s / seconds, 1),
        **counted(before, after),
    }
    stages = {name: (later[name][0] - ms) / max(1.0, later[name][1] - n) for name, (ms, n) in totals.items()}
    return {"taken": joined(recorded), "call": call, "stages": {**stages, "held_ms": float(call["server_delay_ms"])}}


def record(page: Page, seconds: float) -> list[str]:
    """What the page records from now on, in small parts and unread: to read a large one, or to collect what it was made of, would
    hold up the relays of this process, and so what is measured."""
    parts: list[str] = []
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        page.wait_for_timeout(1000 * min(PART_S, left_s))
        parts.append(page.evaluate("JSON.stringify(latency.take())"))
    return parts


def joined(record: list[str]) -> dict[str, Any]:
    """The parts as one `latency.take()`. For when the call is over."""
    parts = [json.loads(part) for part in record]
    sounds = [[*chain.from_iterable(part["sound"][which] for part in parts)] for which in range(2)]
    listed = {name: [*chain.from_iterable(part[name] for part in parts)] for name in ("frames", "shownAfterMs")}
    return {**parts[-1], **listed, "sound": sounds, "patches": "".join(part["patches"] for part in parts)}


def _totals(server: Serving) -> dict[str, tuple[float, float]]:
    """Of the server's stages that the budget needs: ms so far, and how often."""
    named = {"ingest_ms": ("facewire_stage_ms", 'stage="ingest_wait"'), "draw_ms": ("facewire_draw_ms", "")}
    return {
        key: (server.metric(f"{name}_sum", label), server.metric(f"{name}_count", label)) for key, (name, label) in named.items()
    }


def counted(before: dict[str, Any], after: dict[str, Any]) -> Figures:
    def gained(kind: str, name: str) -> float:
        return float(after[kind][name] - before[kind][name])

    def buffer_ms(kind: str) -> float:
        return round(1000 * gained(kind, "jitterBufferDelay") / max(1.0, gained(kind, "jitterBufferEmittedCount")), 1)

    return {
        "frames_a_second": round(1000 * gained("video", "framesDecoded") / gained("video", "timestamp"), 2),
        "freezes": int(gained("video", "freezeCount")),
        "packets_lost": int(gained("video", "packetsLost") + gained("audio", "packetsLost")),
        "video_buffer_ms": buffer_ms("video"),
        "audio_buffer_ms": buffer_ms("audio"),
        "audio_output_ms": round(
            1000 * gained("output", "totalPlayoutDelay") / max(1.0, gained("output", "totalSamplesCount")), 1
        ),
        "kbps": round(8 * (gained("video", "bytesReceived") + gained("audio", "bytesReceived")) / gained("video", "timestamp")),
    }
