"""Tables in the papers' form: our figures and the published ones, each on its own side."""

import json
from pathlib import Path
from typing import Any

import pytest

from facewire import main
from realtime.errors import ConfigError
from training.evaluation.paper_tables import paper_table
from training.evaluation.published_tables import COLUMNS, PUBLISHED
from training.recipes import recurrent_gan_rows
from training.recipes.published import TABLES


def evaluation(name: str, *, clips: tuple[str, ...] = ("s1/a", "s2/b"), psnr: float = 30.5, **model: Any) -> dict[str, Any]:
    figures = {"psnr": psnr, "ssim": 0.9, "au_f1": 0.5, "au_accuracy": 0.75}
    still = {"psnr": 28.0, "ssim": 0.88}
    return {
        "model": {"name": name, **model},
        "clips": {key: {} for key in clips},
        "summary": {
            "clips": len(clips),
            "speakers": {key.split("/")[0]: {} for key in clips},
            "pooled": {"generated": figures, "portrait repeated": still, "other sentence": still},
        },
    }


def write(folder: Path, *evaluations: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(evaluations))
    return folder.parent


def test_ours_stand_on_one_side_and_the_published_on_the_other(tmp_path: Path) -> None:
    source: dict[str, Any] = {"action_units_by": "geometric pseudo-labels"}
    write(tmp_path / "a", evaluation("gru", psnr=31, **source), evaluation("something else", **source))
    table = paper_table("3", write(tmp_path / "b", evaluation("tcsan", **source)))
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in table.splitlines() if "|" in line
    }
    assert rows["GRU"] == ["31.000", "0.900", "0.500", "75.00", "", "29.403", "0.753", "0.735", "79.27"]
    assert rows["TCN"] == ["–"] * 4 + ["", "29.671", "0.765", "0.739", "79.45"]
    assert rows["TCSAN"][:2] == ["30.500", "0.900"]
    assert rows["control: portrait repeated, gru"] == ["28.000", "0.880", "–", "–", "", "–", "–", "–", "–"]
    assert "something else" not in table
    assert "2 clips of s1, s2, action units by geometric pseudo-labels" in table
    assert "never across" in table


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "a", evaluation("gru"))
    assert main(["evaluate", str(folder), "--table", "3"]) == 0
    assert capsys.readouterr().out == paper_table("3", folder) + "\n"
    assert main(["evaluate", str(folder)]) == 2
    assert "--corpus" in capsys.readouterr().err


def test_table_6_has_each_unit(tmp_path: Path) -> None:
    one = evaluation("full")
    one["summary"]["pooled"]["generated"] |= {"au26_f1": 0.61, "au26_accuracy": 0.7}
    table = paper_table("6", write(tmp_path / "a", one))
    full = next(line for line in table.splitlines() if line.startswith("| Full model"))
    assert "| 0.610 | 70.00 |  | 29.971 |" in full
    assert "no action units judged" in table


def test_the_rows_are_those_that_can_be_trained() -> None:
    assert {table: list(PUBLISHED[table]) for table in ("3", "6")} == {table: list(rows) for table, rows in TABLES.items()}
    assert [name.removeprefix("gan-") for name in PUBLISHED["2"]] == list(recurrent_gan_rows.ROWS)
    assert set(PUBLISHED["4"]) <= set(PUBLISHED["2"]) | set(PUBLISHED["6"])
    for name in ("rec", "rec-per", "rec-per-id"):
        assert PUBLISHED["2"][name] == PUBLISHED["6"][name]
    for table, rows in PUBLISHED.items():
        assert {len(figures) for _, figures in rows.values()} == {len(COLUMNS[table])}


@pytest.mark.parametrize("table", ["2", "6"])
def test_the_published_averages_are_those_of_the_units(table: str) -> None:
    """A figure copied wrongly would show: the average F1 and accuracy are means over the five units, as the papers have them."""
    for label, figures in PUBLISHED[table].values():
        assert sum(figures[4::2]) / 5 == pytest.approx(figures[2], abs=0.002), label
        assert sum(figures[5::2]) / 5 == pytest.approx(figures[3], abs=0.02), label


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no form for table '5'"):
        paper_table("5", tmp_path)
    with pytest.raises(ConfigError, match="no evaluation of a model named gru"):
        paper_table("3", write(tmp_path / "none" / "x", evaluation("model")))
    with pytest.raises(ConfigError, match="other clips"):
        paper_table("3", write(tmp_path / "clips" / "x", evaluation("gru"), evaluation("tcn", clips=("s1/a",))))
    with pytest.raises(ConfigError, match="another source"):
        paper_table("3", write(tmp_path / "units" / "x", evaluation("gru"), evaluation("tcn", action_units_by="OpenFace 2.x")))
    with pytest.raises(ConfigError, match="a second evaluation"):
        paper_table("3", write(tmp_path / "twice" / "x", evaluation("gru"), evaluation("gru")))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "evaluation.json").write_text('[{"model": {}}]')
    with pytest.raises(ConfigError, match="no evaluation by"):
        paper_table("3", tmp_path / "bad")
