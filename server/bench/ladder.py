"""The ladder on shaped links, a part of `facewire bench bitrate`: over each, a real call in a real Chromium that chooses nothing.

Measured as by `facewire bench latency`, the voice as heard, of whatever the page shows. Every byte of the call's own datagrams is
counted, IP and UDP headers included, both ways. Before a link is measured the ladder has time to find its rung; how long it took
is reported. A freeze is a picture that stands for more than a quarter of a second while the voice is heard.
"""

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.engine import Engine
from realtime.portrait import Portrait
from server.bench import call_delay, latency, material
from server.bench.network import Network, Relay
from server.bench.progress import tell
from server.bench.record import Figures, summary, table
from server.bench.serving import Serving, available_cores, serving
from server.bench.wire import kbps

PROBE = Path(__file__).with_name("ladder_probe.js")
FREEZE_MS = 250.0
LOUD = 0.1  # of the loudest 5 ms
SETTLE_S = 40.0  # for the ladder; the first time the face is learnt meanwhile
LEARNT = "() => !document.querySelector('#status').textContent.startsWith('Learning')"
LEARNT_MS = 180_000


def link(rate_kbps: float) -> Network:
    """A link as slow ones are: the slower, the longer and the worse."""
    delay_ms, loss = next(values for least, *values in ((512, 20, 0.0), (96, 40, 0.01), (0, 80, 0.02)) if rate_kbps >= least)
    return Network(name=f"{rate_kbps:g}", delay_ms=delay_ms, jitter_ms=delay_ms / 16, loss=loss, kbps=rate_kbps)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What is spoken on every link, and by whom. offline: the mouth's opening without any delay."""

    key: str
    portrait: Portrait
    pcm: NDArray[np.int16]
    offline: call_delay.Course

    @classmethod
    def by_first_portrait(cls, engine: Engine, size: int, speech: Path) -> "Spoken":
        """Raises AudioError."""
        pcm = material.bursts(material.read_speech(speech))
        key, portrait = material.first_portrait(size)
        offline = call_delay.drawn_offline(engine, portrait, pcm, call_delay.mouth_box(portrait))
        return cls(key=key, portrait=portrait, pcm=pcm, offline=offline)


def measure(links: Sequence[Network], spoken: Spoken, flags: Sequence[str], seconds: float) -> Figures:
    """Figures by link. flags: the server's.

    Raises ConfigError where there is no browser or the server does not start.
    """
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "bursts.wav"
        material.write_wav(spoken.pcm, microphone)
        with serving(flags, available_cores(), Path(folder) / "server.txt") as server:
            for network in links:
                tell(f"{network.in_words}: found within {SETTLE_S:.0f} s, measured for {seconds:g} s")
                figures[network.name] = {"network": network.in_words, **_over(network, server, microphone, spoken, seconds)}
    return figures


def tables(figures: Figures) -> list[str]:
    """The figures as Markdown."""
    headings = [
        "kbit/s",
        "link",
        "rung",
        "found after s",
        "pictures/s",
        "came/s",
        "freezes",
        "mouth p50 ms",
        "p95",
        "voice p50 ms",
        "p95",
    ]
    headings += ["apart p95 ms", "voice lost %", "wire down kbit/s", "up", "SSIM of the rung"]
    rows = []
    for name, found in figures.items():
        mouth, voice, skew = (found[key] or {} for key in ("mic_to_mouth_ms", "mic_to_voice_ms", "skew_ms"))
        row = [name, found["network"], found["rung"], found["found_after_s"], found["pictures_a_second"]]
        row += [found["came_a_second"], found["freezes"]]
        row += [mouth.get("p50"), mouth.get("p95"), voice.get("p50"), voice.get("p95"), skew.get("p95_abs")]
        rows.append(
            [*row, found["voice_lost_percent"], found["wire_kbps"]["down"], found["wire_kbps"]["up"], found.get("ssim_mouth")]
        )
    return ["The ladder on shaped links:\n", table(headings, rows)]


def _over(network: Network, server: Serving, microphone: Path, spoken: Spoken, seconds: float) -> Figures:
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(latency.open_page(microphone))
        page.add_init_script(path=PROBE)
        page.goto(server.url)
        relays = latency.route(page, network, stack)
        page.locator(f"input[type=radio][value='{spoken.key}']").check(force=True)
        page.click("#start-stop")
        page.locator("body[data-state=live]").wait_for(timeout=30_000)
        page.evaluate("ladder.watchRungs()")
        page.wait_for_timeout(500 * SETTLE_S)
        page.wait_for_function(LEARNT, timeout=LEARNT_MS)
        page.wait_for_timeout(500 * SETTLE_S)
        page.evaluate(
            "([box, side]) => ladder.watch(box, side)", [call_delay.mouth_box(spoken.portrait), len(spoken.portrait.image)]
        )
        page.wait_for_timeout(latency.SETTLE_MS)
        page.evaluate("latency.take()")
        before, bytes_before = page.evaluate("latency.counters()"), _bytes(relays[-1])
        passed = [_passed(relays[-1], server)]
        recorded = latency.record(page, seconds)
        after, bytes_after = page.evaluate("latency.counters()"), _bytes(relays[-1])
        passed.append(_passed(relays[-1], server))
        taken = {**latency.joined(recorded), "came": page.evaluate("ladder.came")}
        rungs = page.evaluate("ladder.rungs")
        page.click("#start-stop")
    wire = {way: kbps(bytes_after[way] - bytes_before[way], seconds) for way in bytes_before}
    output_ms = 1000 * _mean(before["output"], after["output"], "totalPlayoutDelay", "totalSamplesCount")
    stages_ms = {name: _gained_mean(passed[0][name], passed[1][name]) for name in passed[0]}
    voice = _voice(before["audio"], after["audio"])
    return {**_seen(taken, spoken, output_ms), **_ladder(rungs), **voice, "stages_ms": stages_ms, "wire_kbps": wire}


def _passed(relay: Relay, server: Serving) -> dict[str, tuple[float, float]]:
    """Ms so far, and how often: of every datagram on its way up and down, and of the microphone's sound until it was read."""
    ways = {name: (1000 * way.taken_s, float(way.passed)) for name, way in (("up", relay.up), ("down", relay.down))}
    waited = (server.metric(f"facewire_stage_ms_{part}", 'stage="ingest_wait"') for part in ("sum", "count"))
    return {**ways, "ingest": (next(waited), next(waited))}


def _gained_mean(before: tuple[float, float], after: tuple[float, float]) -> float:
    return round((after[0] - before[0]) / max(1.0, after[1] - before[1]), 1)


def _bytes(relay: Relay) -> dict[str, int]:
    return {"down": relay.down.bytes, "up": relay.up.bytes}


def _mean(before: dict[str, Any], after: dict[str, Any], total: str, count: str) -> float:
    """Of what happened between: one counter by another."""
    gained = {name: float(after.get(name, 0) - before.get(name, 0)) for name in (total, count)}
    return gained[total] / max(1.0, gained[count])


def _seen(taken: dict[str, Any], spoken: Spoken, output_ms: float) -> Figures:
    """output_ms: from the voice's track to its sound."""
    delays = call_delay.burst_delays(taken, spoken.pcm, spoken.offline) if len(taken["frames"]) > 1 else []
    both = [(d.picture_ms, d.voice_ms + output_ms) for d in delays if d.picture_ms is not None and d.voice_ms is not None]
    skew = [picture - voice for picture, voice in both]
    between_ms = _between_pictures(taken)
    return {
        "bursts": len(delays),
        "mic_to_mouth_ms": _summary([d.picture_ms for d in delays if d.picture_ms is not None]),
        "mic_to_voice_ms": _summary([d.voice_ms + output_ms for d in delays if d.voice_ms is not None]),
        "skew_ms": {**summary(skew), "p95_abs": summary([abs(value) for value in skew])["p95"]} if skew else None,
        "pictures_a_second": round(1000 / float(np.mean(between_ms)), 1) if len(between_ms) else None,
        "came_a_second": _came_a_second(taken),
        "freezes": int(np.sum(between_ms > FREEZE_MS)),
    }


def _summary(values: list[float]) -> Figures | None:
    return summary(values) if values else None


def _between_pictures(taken: dict[str, Any]) -> NDArray[np.float64]:
    """Times between pictures, in ms, of those that came while the voice was heard."""
    shown_ms = np.array(taken["frames"], np.float64)
    return np.diff(shown_ms)[_spoken(taken, shown_ms)] if len(shown_ms) > 1 else np.array([])


def _came_a_second(taken: dict[str, Any]) -> float | None:
    """How many frames of the motion stream came in time, of each second in which the voice was heard: what a page that is quick
    enough would show. None where none came."""
    at_ms, came = np.array(taken["came"], np.float64).reshape(-1, 2).T
    recorded = at_ms >= (taken["frames"] or [np.inf])[0]
    at_ms, came = at_ms[recorded], came[recorded]
    spoken = _spoken(taken, at_ms)
    return (
        round(1000 * float(np.maximum(0, np.diff(came))[spoken].sum() / np.diff(at_ms)[spoken].sum()), 1)
        if spoken.any()
        else None
    )


def _spoken(taken: dict[str, Any], times_ms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Between which of so many times of the page, each and the next, the voice was heard."""
    voice = np.array(taken["sound"][1], np.float64)
    on_page_ms = voice[:, 2] - taken["timeOrigin"]
    loud_ms = on_page_ms[voice[:, 1] > LOUD * np.percentile(voice[:, 1], 99)]
    spoken: NDArray[np.bool_] = np.searchsorted(loud_ms, times_ms[1:]) > np.searchsorted(loud_ms, times_ms[:-1])
    return spoken


def _ladder(rungs: list[list[Any]]) -> Figures:
    """The rung at the end, when it was reached, and all of them: seconds after `connected`."""
    course = [[round(at_ms / 1000, 1), rung] for at_ms, rung in rungs]
    return {"rung": course[-1][1] if course else None, "found_after_s": course[-1][0] if course else None, "rungs": course}


def _voice(before: dict[str, Any], after: dict[str, Any]) -> Figures:
    """How many of the voice's packets never came, or came too late; and its buffer."""

    def gained(name: str) -> float:
        return float(after.get(name, 0) - before.get(name, 0))

    lost, came = max(0.0, gained("packetsLost")) + gained("packetsDiscarded"), gained("packetsReceived")
    return {
        "voice_lost_percent": round(100 * lost / max(1.0, lost + came), 2),
        "voice_repaired_percent": round(100 * gained("fecPacketsReceived") / max(1.0, lost + came), 2),
        "voice_buffer_ms": round(1000 * _mean(before, after, "jitterBufferDelay", "jitterBufferEmittedCount"), 1),
    }
