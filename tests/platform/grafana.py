"""Dashboards: made from what is written, readable by whoever was just woken, and every query is
one.
"""

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tree import Tree

# Of Grafana's units those that are used here.
UNITS = {"none", "short", "s", "ops", "percentunit"}
# What Grafana fills in, for whoever parses the query without it.
FILLED_IN = {"$__rate_interval": "5m"}
METRIC_OF_VARIABLE = re.compile(r"label_values\((.+), \w+\)")


def folder(tree: Tree) -> Path:
    return tree.root / "infra/grafana"


def files(tree: Tree) -> list[Path]:
    return sorted(folder(tree).glob("*.json"))


def read(tree: Tree) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in files(tree):
        yield path, json.loads(path.read_text())


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every query, those of variables too: where it stands, and itself as Prometheus gets it."""
    for path, dashboard in read(tree):
        for panel in panels(dashboard):
            for target in panel["targets"]:
                query = target["expr"]
                for name, value in FILLED_IN.items():
                    query = query.replace(name, value)
                yield f"{path.name}: {panel['title']}", query
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                metric = METRIC_OF_VARIABLE.fullmatch(variable["query"]["query"])
                yield (
                    f"{path.name}: ${variable['name']}",
                    metric[1] if metric else variable["query"]["query"],
                )


def current(tree: Tree) -> Iterator[str]:
    """The JSON is what dashboards.py makes."""
    made = tree.work / "dashboards"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for path in folder(tree).glob("*.py"):
        shutil.copy(path, made)
    done = subprocess.run(
        [sys.executable, "-B", str(made / "dashboards.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        yield f"infra/grafana/dashboards.py: {done.stderr.strip()[-600:]}"
        return
    names = {path.name for path in (*made.glob("*.json"), *files(tree))}
    for name in sorted(names):
        texts = [
            (where / name).read_text() if (where / name).exists() else None
            for where in (made, folder(tree))
        ]
        if texts[0] != texts[1]:
            yield f"infra/grafana/{name} is out of date: run tests/platform/check.sh generate"


def parsed(tree: Tree, promtool: str) -> Iterator[str]:
    """Every query of a dashboard is PromQL to Prometheus itself."""
    path = tree.work / "dashboard-queries.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    asked = list(queries(tree))
    numbered = [
        {"record": f"query:number{number}", "expr": query}
        for number, (_, query) in enumerate(asked)
    ]
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": numbered}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    for number in map(int, re.findall(r'rule \d+, "query:number(\d+)"', done.stdout + done.stderr)):
        yield f"promtool cannot read {asked[number][0]}: {asked[number][1]}"
    if done.returncode != 0 and "query:number" not in done.stdout + done.stderr:
        yield (
            f"promtool check rules, of the dashboards' queries: "
            f"{(done.stdout + done.stderr).strip()[-600:]}"
        )


def readable(tree: Tree) -> Iterator[str]:
    """Dashboards have fixed uids and a chosen source; panels a unit, words, room of their own, and
    runbooks that exist.
    """
    for path, dashboard in read(tree):
        if dashboard["uid"] != f"deskmesh-{path.stem}":
            yield (
                f"{path.name} has the uid {dashboard['uid']}: links are made of "
                f"deskmesh-{path.stem}"
            )
        for panel in panels(dashboard):
            where = f"{path.name}: {panel['title']}"
            sources = [one["datasource"]["uid"] for one in (panel, *panel["targets"])]
            if set(sources) != {"${source}"}:
                yield (
                    f"{where} reads from {sources}: the source is chosen on the page, as "
                    f"${{source}}"
                )
            if panel["fieldConfig"]["defaults"]["unit"] not in UNITS:
                yield (
                    f"{where} is in {panel['fieldConfig']['defaults']['unit']}: units in use are "
                    f"{sorted(UNITS)}"
                )
            if len(panel["description"].split()) < 3:
                yield f"{where} does not say what it shows"
            for name in re.findall(r"[Rr]unbooks? ([a-z-]+)", panel["description"]):
                if not (tree.root / f"infra/runbooks/{name}.md").is_file():
                    yield f"{where} sends to the runbook {name}, which is not there"
        yield from _placed(path, dashboard)


def _placed(path: Path, dashboard: dict[str, Any]) -> Iterator[str]:
    places = [(panel["title"], panel["gridPos"]) for panel in dashboard["panels"]]
    for title, place in places:
        if place["x"] + place["w"] > 24:
            yield f"{path.name}: {title} hangs over the edge"
    for (one, a), (other, b) in itertools.combinations(places, 2):
        if (
            a["x"] < b["x"] + b["w"]
            and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"]
            and b["y"] < a["y"] + a["h"]
        ):
            yield f"{path.name}: {one} lies on {other}"
