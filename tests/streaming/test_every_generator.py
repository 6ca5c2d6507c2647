"""`facewire bench generator --all`: every system, preset, runner and batch size has a row, run or refused."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import facewire
from export.commands.export import TARGETS
from realtime.generators.registry import SYSTEMS
from realtime.model_spec import read_manifest
from realtime.runners import untrained
from realtime.runners.runner import RUNNERS
from server.bench import every_generator
from server.bench.every_generator import Way
from server.bench.exports import Refused, Wanted
from server.bench.material import first_portrait

GENERATORS = [f"{name}/{preset}" for name, system in SYSTEMS.items() for preset in system.presets]


def test_every_system_preset_runner_and_batch_size_has_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Here with exports that all refuse: what is asked for, and that nothing is silently missing."""
    asked: list[Wanted] = []

    def refuse(wanted: list[Wanted], *_: object) -> dict[Wanted, Refused]:
        asked.extend(wanted)
        monkeypatch.setattr("os.getloadavg", lambda: (9.0,))  # the machine is described before a benchmark loads it
        return {one: Refused(why=f"no {one.target} today") for one in wanted}

    monkeypatch.setattr(every_generator, "export_all", refuse)
    monkeypatch.setattr("os.getloadavg", lambda: (0.25,))
    figures = tmp_path / "figures.json"
    assert facewire.main(["bench", "generator", "--all", "--json", str(figures), "--record", str(tmp_path / "records")]) == 0
    rows = json.loads(figures.read_text())["steps"]
    assert {(row["generator"], row["runner"], row["batch"]) for row in rows} == set(product(GENERATORS, RUNNERS, (1, 2, 4, 8)))
    assert {row["precision"] for row in rows if row["runner"] == "openvino"} == {"f32", "bf16", "int8"}
    assert all(row["refused"].startswith("no ") for row in rows)
    assert {one.generator for one in asked} == set(GENERATORS)
    assert {one.target for one in asked} <= set(TARGETS)
    assert len(asked) == len(set(asked))
    assert [path.name[10:] for path in (tmp_path / "records").glob("*.md")] == ["-generators.md"], "a record of its own"
    kept = [json.loads(file.read_text()) for file in (figures, *(tmp_path / "records").glob("*.json"))]
    assert [one["machine"]["load_before"] for one in kept] == [0.25, 0.25]


def test_a_runner_that_breaks_leaves_the_others_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking:
        def compile(self, batch: int) -> None:
            raise RuntimeError(f"no memory for\n {batch}")

    monkeypatch.setattr(every_generator, "export_all", lambda wanted, *_: {one: Refused(why="none today") for one in wanted})
    monkeypatch.setattr(every_generator, "_opened", lambda *_: Breaking())
    figures, tables = every_generator.measure(first_portrait(256)[1], ["tcsan/lite"], [Way(runner="onnx"), Way(runner="torch")])
    assert [row["refused"] for row in figures["steps"]] == ["RuntimeError: no memory for 1"] * 8
    assert tables[2] == "Not run: onnx: RuntimeError: no memory for 1\n"


@pytest.mark.timeout(600)
def test_rows_are_measured_or_say_why_not() -> None:
    """Really exported, by the command; TensorRT and CUDA refuse where there is no GPU."""
    pytest.importorskip("nncf", reason='pip install "facewire[int8]"')
    chosen = [way for way in every_generator.ways() if way.runner in ("openvino", "torch", "cuda")]
    figures, tables = every_generator.measure(first_portrait(256)[1], ["tcsan/lite"], chosen, (1, 2))
    rows: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in figures["steps"]:
        rows.setdefault((row["runner"], row.get("precision")), []).append(row)
    for measured in (("openvino", "f32"), ("openvino", "int8"), ("torch", "f32")):
        one, two = rows[measured]
        assert [row["batch"] for row in (one, two)] == [1, 2]
        assert two["gflop"] == pytest.approx(2 * one["gflop"], rel=0.02)
        for row in (one, two):
            assert row["step_ms"]["p99"] >= row["step_ms"]["p50"] > 0
            assert row["of_the_floor"] == pytest.approx(row["step_ms"]["p50"] / row["floor_ms"], rel=0.1, abs=0.1)
    assert len({row["gflop"] for key in rows for row in rows[key] if row["batch"] == 2 and "gflop" in row}) == 1
    (gpu,) = {row.get("refused", "")[:6] for row in rows["cuda", None]} if ("cuda", None) in rows else {"no GPU"}
    assert gpu == "no GPU"
    assert "## tcsan/lite" in tables[0]
    assert "Not run: cuda: no GPU" in "".join(tables) or ("cuda", None) not in rows


def test_other_folders_and_other_kinds_of_bench_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert facewire.main(["bench", "generator", "--all", "--model", str(tmp_path)]) == 2
    assert "--all, which exports its own folders: leave one of them out" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        facewire.main(["bench", "generator", "--all", "--precisions"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_an_untrained_folder_says_that_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert facewire.main(["export", "untrained:tcsan/lite", str(tmp_path / "model"), "--to", "torch"]) == 0
    assert "has learnt nothing" in capsys.readouterr().out
    spec = read_manifest(tmp_path / "model")
    assert (spec.preset, spec.origin["recipe"], spec.origin["data"]) == ("lite", {"untrained": True}, {"corpus": "none"})
    assert facewire.main(["export", "untrained:tcsan/huge", str(tmp_path / "other")]) == 2
    assert "no generator 'tcsan/huge': one of tcsan/paper, tcsan/live, " in capsys.readouterr().err


def test_nothing_in_untrained_weights_is_zero_and_they_are_the_same_each_time() -> None:
    first, second = (dict(untrained.untrained("tcsan/lite").named_parameters()) for _ in range(2))
    assert [name for name, value in first.items() if not value.any()] == []
    assert all(bool((value == second[name]).all()) for name, value in first.items())


def test_a_way_has_a_target_that_export_knows() -> None:
    assert {way.target for way in every_generator.ways()} <= set(TARGETS)
    assert Way(runner="cuda").target == "torch"
