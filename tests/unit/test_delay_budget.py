"""The delay's stages: they add up to what was measured, whatever was measured."""

import pytest

from server.bench.delay_budget import budget, budget_table


def test_the_stages_add_up_to_the_whole_and_what_is_left_over_is_named() -> None:
    stages = budget(
        whole_ms=280, codec_ms=13, up_ms=40, ingest_ms=15, held_ms=215, future_ms=155, draw_ms=20, down_ms=0, browser_ms=10
    )
    assert sum(ms for name, ms in stages.items() if name != "in all") == pytest.approx(280) == stages["in all"]
    assert stages["packet grid"] == 5
    assert stages["spare, until it is due"] == 35
    assert stages["browser: capture (left over)"] == -13
    assert stages["leaves before its picture"] == 0
    assert "| in all | 280.0 | 280.0 |" in budget_table(stages, stages)


def test_a_voice_that_leaves_earlier_is_told_in_its_budget_and_nowhere_else() -> None:
    same = {
        "codec_ms": 13,
        "up_ms": 0,
        "ingest_ms": 15,
        "held_ms": 140,
        "future_ms": 115,
        "draw_ms": 8,
        "down_ms": 0,
        "browser_ms": 60,
    }
    before, early = budget(whole_ms=230, **same), budget(whole_ms=210, lead_ms=20, **same)
    changed = {name: early[name] - ms for name, ms in before.items() if early[name] != ms}
    assert changed == {"leaves before its picture": -20, "in all": -20}
