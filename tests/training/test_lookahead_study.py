"""A row of the study differs from its preset in the future alone, and is named after how much of it; its table and plot."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from facewire import main
from realtime.errors import ConfigError
from realtime.generators.tcsan.config import preset
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.model_spec import future_ms
from training.evaluation.lookahead_study import lookahead_rows
from training.recipes.lookahead import FUTURES, NAMES
from training.recipes.tcsan import Recipe
from training.recipes.tcsan_variants import variant


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_named_after_its_future(name: str) -> None:
    config, recipe = variant(name, preset("live"), Recipe(), labelled=False)
    assert recipe == Recipe()
    assert replace(config, window_offset_hops=-22, lookahead=1) == preset("live")
    heard = future_ms(config.window_offset_hops, TcsanGenerator(config).lookahead)
    assert name == f"future:{heard}" or (name == "future:unlimited" and heard > 700)


def test_the_default_preset_is_a_row_of_it() -> None:
    assert variant("future:115", preset("live"), Recipe(), labelled=False)[0] == preset("live")
    assert len(FUTURES) == 6


def test_another_future_is_refused() -> None:
    with pytest.raises(ConfigError, match="no row 'future:40'"):
        variant("future:40", preset("live"), Recipe(), labelled=False)


def stored(folder: Path, future_ms: int, opening: float) -> None:
    figures = dict.fromkeys(("opening_lag", "width", "opening_spread", "psnr_lower_aligned", "ssim_lower_aligned"), 0.5)
    pooled = {
        "generated": {**figures, "opening": opening, "opening_interval": [opening - 0.1, opening + 0.1]},
        "other sentence": {**figures, "opening": 0.1},
        "portrait repeated": {"opening": 0.01, "psnr_lower_aligned": 28.29},
    }
    evaluation = {"model": {"name": f"m{future_ms}", "future_ms": future_ms}, "clips": {"a/1": {}}, "summary": {"pooled": pooled}}
    (folder / str(future_ms)).mkdir(parents=True)
    (folder / str(future_ms) / "evaluation.json").write_text(json.dumps([evaluation]))


def test_the_study_s_table_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for future, opening in ((155, 0.6), (5, 0.4), (765, 0.7)):
        stored(tmp_path / "in", future, opening)
    record = tmp_path / "latency.json"
    record.write_text(json.dumps({"mic_to_mouth_ms": {"p50": 280.0}, "configuration": {"future_ms": 155}}))
    command = ["evaluate", str(tmp_path / "in"), "--table", "lookahead", "--out", str(tmp_path / "out")]
    assert main([*command, "--latency", str(record)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert lines.pop() == "| portrait repeated | – | – | – | – | – | 28.29 | – | – | – |"
    assert [line.split(" | ")[:3] for line in lines] == [
        ["| 5", "130", "0.40 (0.30 to 0.50)"],
        ["| 155", "280", "0.60 (0.50 to 0.70)"],
        ["| 765", "890", "0.70 (0.60 to 0.80)"],
    ]
    kept = json.loads((tmp_path / "out" / "summaries.json").read_text())
    assert {one["model"]["future_ms"]: one["summary"]["pooled"]["generated"]["opening"] for one in kept} == {
        155: 0.6,
        5: 0.4,
        765: 0.7,
    }
    assert not any("clips" in one for one in kept)
    plot = cv2.imread(str(tmp_path / "out" / "lookahead.png"))
    assert plot is not None
    assert plot.std() > 10
    record.write_text("{}")
    assert main([*command, "--latency", str(record)]) == 2
    assert "is no record" in capsys.readouterr().err


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    stored(tmp_path, 5, 0.4)
    with pytest.raises(ConfigError, match="of 1 models: at least two"):
        lookahead_rows(tmp_path)
    stored(tmp_path / "again", 5, 0.5)
    with pytest.raises(ConfigError, match="a second model with 5 ms"):
        lookahead_rows(tmp_path)
