"""Where a call's delay goes: each stage measured by whoever can see it, and what is left over said as such.

    microphone's track → [browser: capture, Opus] → network → ingest → [held: future audio, packet grid, drawing, spare]
                       → network → [browser: buffer, decoder, screen or sound]

The stages are means, since means add up. All but the first are measured; the first is what is left of the whole. It is the same
sound for voice and picture, so the two remainders should agree: where they do not, one of the measuring points is off by as much.
The mouth's is the smaller one and may be negative, most likely because the page's audio graph hears its microphone later than the
call does: in the voice's figure that delay is at both ends, the mouth's would be too small by it.
"""

from server.bench.record import Figures, table

PACKET_MS = 20.0


def budget(
    *,
    whole_ms: float,
    up_ms: float,
    ingest_ms: float,
    held_ms: float,
    future_ms: float,
    draw_ms: float,
    down_ms: float,
    browser_ms: float,
) -> Figures:
    """Stage: mean ms, and in the end what they add up to. held_ms: from a sound's place on the timeline to its leaving, the 20 ms
    of its own packet included."""
    grid_ms = -future_ms % PACKET_MS
    stages = {
        "network, up": up_ms,
        "ingest": ingest_ms,
        "future audio": future_ms,
        "packet grid": grid_ms,
        "drawing and encoding": draw_ms,
        "spare, until it is due": held_ms - future_ms - grid_ms - draw_ms,
        "network, down": down_ms,
        "browser: buffer, decoder, output": browser_ms,
    }
    left_over = whole_ms - sum(stages.values())
    every = {"browser: capture, Opus (left over)": left_over, **stages, "in all": whole_ms}
    return {name: round(ms, 2) for name, ms in every.items()}


def budget_table(picture: Figures, voice: Figures) -> str:
    """Both budgets beside each other."""
    rows = [(name, f"{ms:.1f}", f"{voice[name]:.1f}") for name, ms in picture.items()]
    return table(("where the mean goes, ms", "mouth", "voice"), rows)
