"""`facewire bench latency --minutes`: one long call over each network, piece by piece: whether sound and picture drift apart.

Measured as in `latency.py`, by half minutes. A drift is the slope of a straight line through the pieces' medians.
"""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from realtime.engine import Engine
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.bench import call_delay, latency, material
from server.bench.ladder import Spoken
from server.bench.network import CLEAN, Network
from server.bench.progress import tell
from server.bench.record import Figures, Report, table
from server.bench.serving import Serving, available_cores, serving

PIECE_S = 30.0
LEAST_PIECES = 3  # a line through fewer says nothing
MEASURES = {"mouth": "mic_to_mouth_ms", "voice": "mic_to_voice_ms", "picture after voice": "skew_ms"}


def run(*, model: Path | None, size: int, speech: Path, minutes: float, networks: Sequence[Network]) -> Report:
    """The first network's figures stand on top, those of all by name below.

    Raises ConfigError where there is no browser, the server does not start, or the call does not work; AudioError.
    """
    with Engine(load_runner(model or default_model())) as engine:
        spec, spoken = engine.spec, Spoken.by_first_portrait(engine, size, speech)
    measured: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "bursts.wav"
        material.write_wav(spoken.pcm, microphone)
        flags = ["--size", str(size), *(["--model", str(model)] if model else [])]
        with serving(flags, available_cores(), Path(folder) / "server.txt") as server:
            for network in networks:
                measured[network.name] = {"network": network.in_words, **_measure(server, microphone, network, spoken, minutes)}
    configuration = {"model": f"{spec.system}/{spec.preset}", "size": size, "future_ms": spec.future_ms, "minutes": minutes}
    title = f"Sound and picture over {minutes:g} minutes: {spec.system}/{spec.preset}, {size} px, Chromium on the same machine"
    tables = [part for found in measured.values() for part in _tables(found)]
    return title, {"configuration": configuration, **measured[networks[0].name], "networks": measured}, tables


def _measure(server: Serving, microphone: Path, network: Network, spoken: Spoken, minutes: float) -> Figures:
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(latency.open_page(microphone))
        page.goto(server.url)
        if network != CLEAN:
            latency.route(page, network, stack)
        page.locator(f"input[type=radio][value='{spoken.key}']").check(force=True)
        latency.begin(page)
        page.evaluate("box => latency.watch(box)", call_delay.mouth_box(spoken.portrait))
        page.wait_for_timeout(latency.SETTLE_MS)
        page.evaluate("latency.take()")
        recorded = []
        for index in range(max(1, round(60 * minutes / PIECE_S))):
            tell(f"over {network.in_words}: minute {index * PIECE_S / 60:g} of {minutes:g}")
            recorded.append(_piece(page))
        page.click("#start-stop")
    delays, pieces = [], []  # reckoned when the call is over: it needs the processor
    for index, (parts, call) in enumerate(recorded):
        found = call_delay.burst_delays(latency.joined(parts), spoken.pcm, spoken.offline)
        delays += found
        pieces.append(
            {"minute": (index + 0.5) * PIECE_S / 60, **latency.figures_of(found, call["audio_output_ms"]), "call": call}
        )
    output_ms = float(np.mean([piece["call"]["audio_output_ms"] for piece in pieces]))
    return {**latency.figures_of(delays, output_ms), "drift_ms_a_minute": _drifts(pieces), "pieces": pieces}


def _piece(page: Page) -> tuple[list[str], Figures]:
    """What is recorded in half a minute, and the browser's counters over it."""
    before: dict[str, Any] = page.evaluate("latency.counters()")
    recorded = latency.record(page, PIECE_S)
    after: dict[str, Any] = page.evaluate("latency.counters()")
    return recorded, latency.counted(before, after)


def _drifts(pieces: Sequence[Figures]) -> dict[str, float | None]:
    """By measure: ms a minute; None where there are too few pieces."""
    if len(pieces) < LEAST_PIECES:
        return dict.fromkeys(MEASURES)
    minutes = [piece["minute"] for piece in pieces]
    return {name: round(float(np.polyfit(minutes, [p[key]["p50"] for p in pieces], 1)[0]), 2) for name, key in MEASURES.items()}


def _tables(found: Figures) -> list[str]:
    drifts = found["drift_ms_a_minute"]
    rows = [(name, *(found[key][column] for column in ("p50", "p95", "n")), drifts[name]) for name, key in MEASURES.items()]
    course = [
        (
            piece["minute"],
            *(piece[key]["p50"] for key in MEASURES.values()),
            piece["skew_ms"]["p95_abs"],
            piece["call"]["freezes"],
        )
        for piece in found["pieces"]
    ]
    return [
        f"## Over {found['network']}\n",
        table(("ms", "p50", "p95", "n", "drift, ms a minute"), rows),
        f"Picture and voice apart, p95: {found['skew_ms']['p95_abs']} ms.\n",
        table(("minute", *MEASURES, "apart, p95", "freezes"), course),
    ]
