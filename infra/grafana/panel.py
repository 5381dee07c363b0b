"""A panel, a row, a dashboard, and the JSON that Grafana reads."""

import json
from dataclasses import dataclass, field
from typing import Any

# The data source is chosen on the page: no dashboard knows whose Prometheus it is.
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """One picture: what it says, in what unit, and its queries by legend."""

    title: str
    says: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"
    # In 24ths of the page; 0 shares what is left of the row with the others.
    wide: int = 0
    red_from: float | None = None
    red_below: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels under a heading, each so many lines high. A row of time series is two wide."""

    title: str
    high: int
    panels: list[Panel]


@dataclass(frozen=True)
class Variable:
    """What is chosen on top of the page."""

    name: str
    query: str
    label: str


@dataclass(frozen=True)
class Dashboard:
    """A page. `name` is its file's, and part of its uid, which never changes: links are made of
    it.
    """

    name: str
    title: str
    says: str
    rows: list[Row]
    variables: list[Variable] = field(default_factory=list)


def quantile(q: float, metric: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    selector = f"{{{where}}}" if where else ""
    return (
        f"histogram_quantile({q}, sum by ({labels}) "
        f"(rate({metric}_bucket{selector}[$__rate_interval])))"
    )


def text(dashboard: Dashboard) -> str:
    """The file."""
    whole = {
        "uid": f"deskmesh-{dashboard.name}",
        "title": dashboard.title,
        "description": dashboard.says,
        "tags": ["deskmesh"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [
            {
                "type": "dashboards",
                "title": "Deskmesh",
                "tags": ["deskmesh"],
                "includeVars": False,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_source(), *map(_variable, dashboard.variables)]},
        "panels": _panels(dashboard),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _source() -> dict[str, Any]:
    return {
        "name": "source",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    query = {"query": variable.query, "refId": variable.name}
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": SOURCE,
        "definition": variable.query,
        "query": query,
        # Again whenever the time changes: a type that came yesterday is offered for yesterday.
        "refresh": 2,
        "sort": 1,
    }


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    """Rows from the top down; in a row from left to right, and on to the next line when it is
    full.
    """
    panels: list[dict[str, Any]] = []
    top = 0
    for row in dashboard.rows:
        panels.append(
            _placed(
                {"type": "row", "title": row.title, "collapsed": False, "panels": []},
                len(panels),
                0,
                top,
                WIDTH,
                1,
            )
        )
        top, left = top + 1, 0
        for panel in row.panels:
            wide = _width(panel, row)
            if left + wide > WIDTH:
                top, left = top + row.high, 0
            panels.append(_placed(_panel(panel), len(panels), left, top, wide, row.high))
            left += wide
        top += row.high
    return panels


def _width(panel: Panel, row: Row) -> int:
    if panel.wide:
        return panel.wide
    if panel.kind == "stat":
        others = [one for one in row.panels if not one.wide]
        return (WIDTH - sum(one.wide for one in row.panels)) // len(others)
    return WIDTH // 2


def _placed(
    panel: dict[str, Any], count: int, left: int, top: int, wide: int, high: int
) -> dict[str, Any]:
    return {"id": count + 1, **panel, "gridPos": {"x": left, "y": top, "w": wide, "h": high}}


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": _steps(panel)},
    }
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "fillOpacity": 10,
            "spanNulls": False,
            "thresholdsStyle": {"mode": "off" if panel.red_from is None else "line"},
        }
    table = panel.kind == "table"
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "targets": [
            _target(number, *query, table) for number, query in enumerate(panel.queries.items())
        ],
        "fieldConfig": {"defaults": defaults | {"noValue": "none"}, "overrides": []},
        "options": _options(panel),
    } | (
        {"transformations": [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]}
        if table
        else {}
    )


def _steps(panel: Panel) -> list[dict[str, Any]]:
    if panel.red_below is not None:
        return [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    red = [] if panel.red_from is None else [{"color": "red", "value": panel.red_from}]
    return [{"color": "green", "value": None}, *red]


def _target(number: int, legend: str, query: str, table: bool) -> dict[str, Any]:
    how = {"instant": True, "format": "table"} if table else {"legendFormat": legend}
    return {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": query, **how}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "colorMode": "background",
            "graphMode": "none",
            "textMode": "value_and_name",
        }
    if panel.kind == "table":
        return {"showHeader": True}
    return {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
