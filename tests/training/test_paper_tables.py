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


def cells(table: str) -> dict[str, list[str]]:
    """Each row's cells by its label."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "|" in line]
    return {label: values for label, *values in lines}


def test_ours_stand_on_one_side_and_the_published_on_the_other(tmp_path: Path) -> None:
    source: dict[str, Any] = {"action_units_by": "geometric pseudo-labels"}
    write(tmp_path / "a", evaluation("gru", psnr=31, **source), evaluation("something else", **source))
    table = paper_table("3", write(tmp_path / "b", evaluation("tcsan", **source)))
    rows = cells(table.split("Lip-sync")[0])
    assert rows["GRU"] == ["31.000", "0.900", "0.500", "75.00", "", "29.403", "0.753", "0.735", "79.27"]
    assert rows["TCN"] == ["–"] * 4 + ["", "29.671", "0.765", "0.739", "79.45"]
    assert rows["TCSAN"][:2] == ["30.500", "0.900"]
    assert rows["control: portrait repeated"] == ["28.000", "0.880", "–", "–", "", "–", "–", "–", "–"]
    assert [row for row in rows if row.startswith("control: other")] == [
        "control: other sentence, gru",
        "control: other sentence, tcsan",
    ]
    assert "something else" not in table
    assert "2 clips of s1, s2, action units by geometric pseudo-labels" in table
    assert "never across" in table


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "a", evaluation("gru"))
    assert main(["evaluate", str(folder), "--table", "3", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith(paper_table("3", folder) + "\n")
    assert (tmp_path / "out" / "summaries.json").exists()
    assert main(["evaluate", str(folder)]) == 2
    assert "--corpus" in capsys.readouterr().err


def test_table_6_has_each_unit(tmp_path: Path) -> None:
    one = evaluation("full")
    one["summary"]["pooled"]["generated"] |= {"au26_f1": 0.61, "au26_accuracy": 0.7}
    table = paper_table("6", write(tmp_path / "a", one))
    whole, units, _ = (line for line in table.splitlines() if line.startswith("| Full model"))
    assert whole.endswith("| 75.00 |  | 29.971 | 0.772 | 0.751 | 81.15 |")
    assert "| 0.610 | 70.00 |  | 0.781 | 78.17 |" in units
    assert "no action units judged" in table


def test_lip_sync_stands_below_beside_the_other_sentence(tmp_path: Path) -> None:
    one = evaluation("tcsan")
    pooled = one["summary"]["pooled"]
    pooled["generated"] |= {"opening": 0.63, "opening_interval": [0.56, 0.69], "opening_lag": -0.0, "psnr_lower_aligned": 28.744}
    pooled["other sentence"] = {"opening": 0.231}
    pooled["portrait repeated"] = {"opening": 0.01, "psnr_lower_aligned": 28.29}
    rows = cells(paper_table("3", write(tmp_path / "a", one)).split("Lip-sync")[1])
    assert rows["TCSAN"] == ["0.63 (0.56 to 0.69)", "0", "–", "–", "28.74", "–", "0.23", "–"]
    assert rows["control: portrait repeated"] == ["–"] * 4 + ["28.29"] + ["–"] * 3
    assert "GRU" not in rows


def test_one_network_stands_in_each_table_that_has_it(tmp_path: Path) -> None:
    """Row `gru` of table 3 is `rec-per-id` of table 6, unless there is a model of that name."""
    folder = write(tmp_path / "a", evaluation("gru", psnr=31))
    assert "| rec, per, id | 31.000 |" in paper_table("6", folder)
    assert "| rec, per, id | 31.000 |" in paper_table("2", folder)


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
