"""Where a call's delay goes: each stage measured by whoever can see it, and what is left over said as such.

    spoken → [browser: 10 ms of capture, Opus] → network → ingest → [held: future audio, packet grid, drawing, spare]
           → network → [browser: buffer, decoder, screen or sound output]

The stages are means, since means add up. All are measured but what Opus' look-ahead costs, which was measured once, without a
browser, and the first, which is what is left of the whole. It is the same sound for voice and picture, so the two remainders
should agree, and be a few milliseconds: where they do not, one of the measuring points is off by as much (docs/decisions/0021).
"""

from server.bench.record import Figures, table

PACKET_MS = 20.0
VOICE_CODEC_MS = 13.0  # 6.5 each time that sound is encoded: from the microphone, and to the listener
MOUTH_CODEC_MS = 3.7  # the first of them alone, as it shows in the mouth


def budget(
    *,
    whole_ms: float,
    codec_ms: float,
    up_ms: float,
    ingest_ms: float,
    held_ms: float,
    future_ms: float,
    draw_ms: float,
    down_ms: float,
    browser_ms: float,
    lead_ms: float = 0.0,
) -> Figures:
    """Stage: mean ms, and in the end what they add up to. held_ms: from a sound's place on the timeline to its leaving, the 20 ms
    of its own packet included; codec_ms: what Opus' look-ahead costs on the way; lead_ms: by how much it leaves before that, as
    the voice does."""
    grid_ms = -future_ms % PACKET_MS
    stages = {
        "Opus, its look-ahead": codec_ms,
        "network, up": up_ms,
        "ingest": ingest_ms,
        "future audio": future_ms,
        "packet grid": grid_ms,
        "drawing and encoding": draw_ms,
        "spare, until it is due": held_ms - future_ms - grid_ms - draw_ms,
        "leaves before its picture": -lead_ms,
        "network, down": down_ms,
        "browser: buffer, decoder, output": browser_ms,
    }
    left_over = whole_ms - sum(stages.values())
    every = {"browser: capture (left over)": left_over, **stages, "in all": whole_ms}
    return {name: round(ms, 2) for name, ms in every.items()}


def budget_table(picture: Figures, voice: Figures) -> str:
    """Both budgets beside each other."""
    rows = [(name, f"{ms:.1f}", f"{voice[name]:.1f}") for name, ms in picture.items()]
    return table(("where the mean goes, ms", "mouth", "voice"), rows)
