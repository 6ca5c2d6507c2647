"""Writes grafana.json: python docs/operations/make_dashboard.py. A test holds it to the metrics that the server has."""

import json
from pathlib import Path
from typing import Any

DATA = {"type": "prometheus", "uid": "${DS}"}
HERE = Path(__file__).parent


def quantile(metric: str, level: float, by: str = "") -> str:
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({level}, sum by ({groups}) (rate({metric}_bucket[$__rate_interval])))"


def quantiles(metric: str, levels: tuple[float, ...]) -> dict[str, str]:
    return {f"p{level * 100:g}": quantile(metric, level) for level in levels}


def rate(metric: str, by: str = "") -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))" if by else f"sum(rate({metric}[$__rate_interval]))"


ROWS: list[tuple[str, str, dict[str, str]]] = [
    (
        "Calls",
        "none",
        {"calls": "sum(facewire_sessions)", "room for": "sum(facewire_headroom_sessions)", "viewers": "sum(facewire_viewers)"},
    ),
    ("Busy: what runs out first", "percentunit", {"{{resource}}": "max by (resource) (facewire_busy_ratio)"}),
    ("Pictures a second, by fate", "none", {"{{fate}}": rate("facewire_frames_total", "fate")}),
    ("Pictures lost a second, by cause", "none", {"{{cause}}": rate("facewire_frames_lost_total", "cause")}),
    ("Each stage, p95", "ms", {"{{stage}}": quantile("facewire_stage_ms", 0.95, "stage")}),
    ("Sound heard to picture encoded", "ms", quantiles("facewire_draw_ms", (0.5, 0.95, 0.99))),
    ("Time to spare before its moment (low is late)", "ms", quantiles("facewire_margin_ms", (0.01, 0.05, 0.5))),
    ("Picture leaves after its voice", "ms", quantiles("facewire_skew_ms", (0.05, 0.5, 0.95))),
    ("Windows drawn together", "none", {"mean": " / ".join(rate(f"facewire_batch_windows_{part}") for part in ("sum", "count"))}),
    ("Microphone sound missing, ms a second", "none", {"missing": rate("facewire_ingest_missing_ms_total")}),
    ("Calls that end, by reason", "none", {"{{reason}}": rate("facewire_sessions_ended_total", "reason")}),
    ("Requests refused, by reason", "none", {"{{reason}}": rate("facewire_refusals_total", "reason")}),
    ("Memory", "bytes", {"resident": "sum(process_resident_memory_bytes)"}),
    ("Processor, cores", "none", {"used": rate("process_cpu_seconds_total")}),
]
"""A panel each: title, unit, legend → query."""


def panel(index: int, title: str, unit: str, queries: dict[str, str]) -> dict[str, Any]:
    targets = [{"refId": chr(65 + i), "expr": expr, "legendFormat": name} for i, (name, expr) in enumerate(queries.items())]
    return {
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "datasource": DATA,
        "gridPos": {"x": 12 * (index % 2), "y": 8 * (index // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    }


def dashboard() -> dict[str, Any]:
    return {
        "title": "Facewire",
        "uid": "facewire",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "DS", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]},
        "panels": [panel(index, *row) for index, row in enumerate(ROWS)],
    }


if __name__ == "__main__":
    (HERE / "grafana.json").write_text(json.dumps(dashboard(), indent=1) + "\n")
