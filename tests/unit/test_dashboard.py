"""The Grafana dashboard names nothing that a server does not export, and shows everything that tells how calls fare."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from server.metrics import Metrics

FILE = Path(__file__).resolve().parents[2] / "docs" / "operations" / "grafana.json"
NAME = re.compile(r"\b(?:facewire|process)_[a-z_]+")
NEEDED = {
    "facewire_sessions",
    "facewire_headroom_sessions",
    "facewire_frames_lost_total",
    "facewire_stage_ms_bucket",
    "facewire_skew_ms_bucket",
}


def exported() -> set[str]:
    """All names of a server's /metrics, labelled ones without a sample included."""
    metrics = Metrics()
    for labelled in (metrics.refused, metrics.ended, metrics.frames, metrics.lost, metrics.stage_ms, metrics.busy):
        labelled.labels("anything")
    return set(NAME.findall(generate_latest(metrics.registry).decode()))


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_metric_of_the_dashboard_is_exported() -> None:
    named = {name for query in queries(json.loads(FILE.read_text())) for name in NAME.findall(query)}
    assert named <= exported()
    assert named >= NEEDED


@pytest.mark.parametrize("query", queries(json.loads(FILE.read_text())))
def test_a_query_closes_what_it_opens(query: str) -> None:
    assert query.count("(") == query.count(")")
    assert query.count("[") == query.count("]")


def labels() -> dict[str, set[str]]:
    """What each sample of a server's /metrics can be told apart by; `le` of histograms."""
    metrics = Metrics()
    for labelled in (metrics.refused, metrics.ended, metrics.frames, metrics.lost, metrics.stage_ms, metrics.busy):
        labelled.labels("anything")
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


@pytest.mark.parametrize("query", queries(json.loads(FILE.read_text())))
def test_a_query_groups_by_labels_that_its_metric_has(query: str) -> None:
    known = labels()
    (metric,) = {name for name in NAME.findall(query) if not name.endswith(("_sum", "_count"))} or {NAME.findall(query)[0]}
    named = {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
    assert named <= known[metric]
    assert ("histogram_quantile" in query) == ("le" in named)


def test_the_file_is_what_its_script_writes() -> None:
    script = runpy.run_path(str(FILE.with_name("make_dashboard.py")))
    assert json.loads(FILE.read_text()) == script["dashboard"]()


def test_an_unknown_metric_would_be_noticed() -> None:
    """The control."""
    assert not {"facewire_no_such_ms"} <= exported()
