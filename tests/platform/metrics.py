"""Rules, their tests and dashboards ask for metrics that exist, by labels that exist:
infra/prometheus/metrics.yaml has them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

import documents
import grafana
import rules
from tree import Tree, load

KINDS = {"counter", "gauge", "histogram"}
SOURCES = {"service", "edge", "broker", "canary", "kube-state-metrics", "prometheus"}
KEYS = {"name", "kind", "unit", "labels", "source", "answers"}
# Of a histogram that is told as three, and the labels that Prometheus adds.
PARTS = ("_bucket", "_sum", "_count")
ADDED = {"job", "instance"}


@dataclass
class Asked:
    """What one query asks for: metrics with their matchers, and labels that it groups by."""

    where: str
    selectors: list[promql.VectorSelector] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    wrong: str = ""


def registry(tree: Tree) -> list[dict[str, Any]]:
    return load(tree.root / "infra/prometheus/metrics.yaml")[0]


def well_formed(tree: Tree) -> Iterator[str]:
    """The registry says of each metric what it is, by Prometheus' conventions, and its labels'
    values stand in the source.
    """
    names = [str(one.get("name")) for one in registry(tree)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"metrics.yaml has {name} twice"
    sources = "\n".join(
        path.read_text()
        for folder in ("shared", "services")
        for path in (tree.root / folder).rglob("src/**/*.rs")
    )
    for one in registry(tree):
        name = str(one.get("name"))
        if set(one) - {"values"} != KEYS:
            yield f"metrics.yaml: {name} has {sorted(set(one))}, needs {sorted(KEYS)}"
            continue
        if one["kind"] not in KINDS or one["source"] not in SOURCES:
            yield (
                f"metrics.yaml: {name} is a {one['kind']} of {one['source']}: the words are "
                f"{sorted(KINDS)}, {sorted(SOURCES)}"
            )
        if (one["kind"] == "counter") != name.endswith("_total"):
            yield (
                f"metrics.yaml: {name} is a {one['kind']}; counters, and they alone, end in _total"
            )
        if one["unit"] == "seconds" and "seconds" not in name:
            yield f"metrics.yaml: {name} is in seconds and does not say so"
        for label, values in one.get("values", {}).items():
            if label not in one["labels"]:
                yield f"metrics.yaml: {name} has values for {label}, which is none of its labels"
            there = {
                one["metadata"]["name"]
                for _, one in documents.files(tree)
                if one["kind"] == "CronJob"
            }
            if label == "cronjob" and not set(values) <= there:
                yield (
                    f"metrics.yaml: {name} has the cronjobs {values}, the manifests have "
                    f"{sorted(there)}"
                )
            # What Prometheus gives is not in our source, and a service's name is its folder's.
            for value in (
                values if one["source"] in ("service", "edge") and label != "service" else ()
            ):
                if f'"{value}"' not in sources:
                    yield (
                        f"metrics.yaml: {name} has the {label} {value}, which stands nowhere in "
                        f"the services' source"
                    )


def asked_for(tree: Tree) -> Iterator[str]:
    """Every query of rules, their tests and dashboards names registered metrics, labels and values;
    every registered metric is asked for.
    """
    known = {one["name"]: one for one in registry(tree)}
    recorded = {rule["record"] for _, rule in rules.every(tree) if "record" in rule}
    used: set[str] = set()
    for asked in queries(tree):
        if asked.wrong:
            yield asked.wrong
        labels = set()
        for selector in asked.selectors:
            one, part = _find(selector.name or "", known)
            if one:
                used.add(one["name"])
                labels |= {*one["labels"], *ADDED, *({"le"} if part == "_bucket" else set())}
                yield from _matchers(asked.where, selector, one, labels)
            elif selector.name not in recorded:
                yield (
                    f"{asked.where} asks for {selector.name}, which is neither in metrics.yaml "
                    f"nor recorded by a rule"
                )
        for label in sorted(asked.groups - labels):
            yield f"{asked.where} groups by {label}, which none of its metrics has"
    for name in sorted(set(known) - used):
        yield f"metrics.yaml has {name}, for which neither a rule nor a dashboard asks"


def _find(name: str, known: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """A metric and which part of it is meant; a histogram's bare name is no series."""
    if name in known and known[name]["kind"] != "histogram":
        return known[name], ""
    part = next((part for part in PARTS if name.endswith(part)), "")
    one = known.get(name.removesuffix(part)) if part else None
    return (one, part) if one and one["kind"] == "histogram" else (None, "")


def _matchers(
    where: str, selector: promql.VectorSelector, one: dict[str, Any], labels: set[str]
) -> Iterator[str]:
    for matcher in selector.matchers.matchers:
        values = one.get("values", {}).get(matcher.name)
        if matcher.name not in labels:
            yield (
                f"{where} asks for the label {matcher.name} of {selector.name}, which has "
                f"{sorted(one['labels'])}"
            )
        elif values and "$" not in matcher.value:
            # A pattern is met by at least one value; each of its words is one.
            for word in re.split(r"\|", matcher.value):
                if not any(re.fullmatch(word, value) for value in values):
                    yield (
                        f"{where} asks for {matcher.name} {word} of {selector.name}, which has "
                        f"{values}"
                    )


def queries(tree: Tree) -> Iterator[Asked]:
    """All queries there are, taken apart."""
    for path, rule in rules.every(tree):
        yield _taken_apart(f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"])
    for path in rules.tests(tree):
        for case in load(path)[0]["tests"]:
            for series in case["input_series"]:
                yield _taken_apart(f"{path.name}: {case['name']}", series["series"])
    for where, query in grafana.queries(tree):
        yield _taken_apart(where, query)


def _taken_apart(where: str, query: str) -> Asked:
    asked = Asked(where)
    try:
        _walk(promql.parse(query), asked)
    except ValueError as wrong:
        asked.wrong = f"{where} cannot be read: {wrong}: {query}"
    return asked


def _walk(node: Any, asked: Asked) -> None:
    if isinstance(node, promql.VectorSelector):
        asked.selectors.append(node)
    if isinstance(node, promql.AggregateExpr) and node.modifier:
        asked.groups |= set(node.modifier.labels)
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        inner = getattr(node, name, None)
        if isinstance(inner, promql.Expr):
            _walk(inner, asked)
    for inner in getattr(node, "args", None) or ():
        _walk(inner, asked)
