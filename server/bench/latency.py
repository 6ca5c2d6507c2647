"""`facewire bench latency`: a real call in a real Chromium; how long from the microphone to the voice and to the moving mouth.

The browser's microphone plays bursts cut from recorded speech. Measured inside the page, from the microphone's track (after the
browser's own echo and noise processing) to the voice's track as it is played and to the picture as it is drawn. Not in it: the
sound card's own time, and a network's: server and browser are on one machine.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from realtime.engine import Engine
from realtime.errors import ConfigError
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.bench import call_delay, material
from server.bench.record import Figures, summary, table

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
START_S = 60
SETTLE_MS = 4000  # the browser's buffers find their size


def run(*, model: Path | None, size: int, speech: Path, seconds: float) -> tuple[str, Figures, list[str]]:
    """Title, figures and tables of the record.

    Raises ConfigError where there is no browser or the server does not start; AudioError.
    """
    pcm = material.bursts(material.read_speech(speech))
    key, portrait = material.first_portrait(size)
    box = call_delay.mouth_box(portrait)
    with Engine(load_runner(model or default_model())) as engine:
        spec = engine.spec
        offline = call_delay.drawn_offline(engine, portrait, pcm, box)
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "bursts.wav"
        material.write_wav(pcm, microphone)
        with _serving(model, size, Path(folder)) as url, _page(microphone) as page:
            measured = _call(page, url, key, box, seconds)
    delays = call_delay.burst_delays(measured.pop("taken"), pcm, offline)
    configuration = {"model": f"{spec.system}/{spec.preset}", "size": size, "future_ms": spec.future_ms, "seconds": seconds}
    figures = {"configuration": configuration, **_figures(delays), **measured}
    return f"Delay of a call: {spec.system}/{spec.preset}, {size} px, Chromium on the same machine", figures, _tables(figures)


def _figures(delays: list[call_delay.BurstDelays]) -> Figures:
    voice = [delay.voice_ms for delay in delays if delay.voice_ms is not None]
    picture = [delay.picture_ms for delay in delays if delay.picture_ms is not None]
    skew = [d.picture_ms - d.voice_ms for d in delays if d.picture_ms is not None and d.voice_ms is not None]
    if not skew:
        raise ConfigError(f"{len(delays)} bursts were heard and none came back as voice and picture: the call did not work")
    return {
        "bursts": len(delays),
        "voice_delay_ms": summary(voice),
        "picture_delay_ms": summary(picture),
        "picture_after_voice_ms": summary(skew),
    }


def _tables(figures: Figures) -> list[str]:
    names = {
        "microphone → voice": "voice_delay_ms",
        "microphone → mouth on screen": "picture_delay_ms",
        "picture after voice": "picture_after_voice_ms",
    }
    rows = [(name, *(figures[key][column] for column in ("p50", "p95", "p99", "n"))) for name, key in names.items()]
    call = figures["call"]
    others = [
        ("future audio that a picture waits for", f"{figures['configuration']['future_ms']} ms"),
        ("held by the server in all", f"{call['server_delay_ms']} ms"),
        ("first picture after `connected`", f"{call['first_frame_ms']} ms"),
        ("pictures decoded a second", call["frames_a_second"]),
        ("freezes", call["freezes"]),
        ("browser's buffer, picture / voice", f"{call['video_buffer_ms']} / {call['audio_buffer_ms']} ms"),
        ("server, of a core", f"{call['server_percent_of_a_core']} %"),
    ]
    return [table(("ms", "p50", "p95", "p99", "bursts"), rows), table(("", ""), others)]


@contextlib.contextmanager
def _serving(model: Path | None, size: int, folder: Path) -> Iterator[str]:
    """`facewire serve` as a user starts it; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "facewire", "serve", "--port", str(port), "--size", str(size)]
    command += ["--model", str(model)] if model else []
    with (folder / "server.txt").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", server, folder / "server.txt")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    limit_s = time.monotonic() + START_S
    while time.monotonic() < limit_s and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=2):
            return
        time.sleep(0.1)
    raise ConfigError(f"the server did not start: {log.read_text()[-500:]}")


@contextlib.contextmanager
def _page(microphone: Path) -> Iterator[Page]:
    """A page of a Chromium whose microphone plays a file over and over."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ConfigError("no Chromium was found: install one (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
        running = playwright.chromium.launch(executable_path=browser, args=flags)
        page = running.new_context(bypass_csp=True).new_page()
        page.add_init_script(path=PROBE)
        yield page
        running.close()


def _call(page: Page, url: str, portrait: str, box: call_delay.Box, seconds: float) -> Figures:
    page.goto(url)
    page.locator(f"input[type=radio][value='{portrait}']").check(force=True)
    page.evaluate("latency.watchFirstFrame()")
    page.click("#start-stop")
    page.wait_for_function("latency.firstFrameMs !== undefined", timeout=20_000)
    page.evaluate("box => latency.watch(box)", box)
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("latency.take()")
    before, busy_s = page.evaluate("latency.counters()"), _busy_s(url)
    page.wait_for_timeout(1000 * seconds)
    after, busy_s = page.evaluate("latency.counters()"), _busy_s(url) - busy_s
    taken = page.evaluate("latency.take()")
    call = {
        "first_frame_ms": round(page.evaluate("latency.firstFrameMs - latency.connectedMs")),
        "server_delay_ms": page.evaluate("fetch('api/config').then((answer) => answer.json()).then((c) => c.delay_ms)"),
        "server_percent_of_a_core": round(100 * busy_s / seconds, 1),
        **_counted(before, after),
    }
    page.click("#start-stop")
    return {"taken": taken, "call": call}


def _busy_s(url: str) -> float:
    """Processor time that the server has used so far."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("process_cpu_seconds_total")).split()[1])


def _counted(before: dict[str, Any], after: dict[str, Any]) -> Figures:
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
        "kbps": round(8 * (gained("video", "bytesReceived") + gained("audio", "bytesReceived")) / gained("video", "timestamp")),
    }
