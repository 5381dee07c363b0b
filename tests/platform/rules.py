"""Prometheus' rules: one plain file each, tested by promtool, and the operator's object made from
it.

python rules.py          rewrites infra/kubernetes/components/prometheus-operator/rules.yaml
"""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tree import Tree, load

SEVERITIES = ("page", "ticket")

HEADER = """\
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: deskmesh-{name}
spec:
"""


def every(tree: Tree) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every rule of every file."""
    for path in tree.rule_files():
        for group in load(path)[0]["groups"]:
            for rule in group["rules"]:
                yield path, rule


def alerts(tree: Tree) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, rule) for path, rule in every(tree) if "alert" in rule]


def tests(tree: Tree) -> list[Path]:
    return sorted((tree.root / "infra/prometheus").glob("*.test.yaml"))


def target(tree: Tree) -> Path:
    return tree.kubernetes / "components/prometheus-operator/rules.yaml"


def generated(tree: Tree) -> str:
    """The rules as they stand, comments and all, below a head."""
    out = "# From infra/prometheus, by tests/platform/rules.py: do not edit.\n"
    for path in tree.rule_files():
        out += HEADER.format(name=path.stem) + textwrap.indent(path.read_text(), "  ")
    return out


def current(tree: Tree) -> Iterator[str]:
    """The operator's object is what the plain file says."""
    path = target(tree)
    if not path.exists() or path.read_text() != generated(tree):
        yield f"{path.relative_to(tree.root)} is out of date: run tests/platform/check.sh generate"


def promtool(tree: Tree, program: str) -> Iterator[str]:
    """Rules parse, and fire and stay quiet as their tests say."""
    for path in tree.rule_files():
        yield from _run(program, "check", "rules", "--lint=all", "--lint-fatal", str(path))
    for path in tests(tree):
        yield from _run(program, "test", "rules", str(path))


def complete(tree: Tree) -> Iterator[str]:
    """Every alert says how bad it is, what is wrong and why this number, and is fired by one test
    and kept quiet by another.
    """
    seen = {path: _seen(path) for path in tests(tree)}
    for path in tree.rule_files():
        if path.with_suffix(".test.yaml") not in seen:
            yield (
                f"{path.relative_to(tree.root)} has no {path.stem}.test.yaml: an alert that was "
                f"never seen to fire is no alert"
            )
    for path, rule in alerts(tree):
        name = f"{path.name}: {rule['alert']}"
        if rule.get("labels", {}).get("severity") not in SEVERITIES:
            yield f"{name} has no severity: page or ticket?"
        if not rule.get("annotations", {}).get("summary"):
            yield f"{name} has no summary: what is wrong with what?"
        if not re.search(rf"- alert: {rule['alert']}\n +# ", path.read_text()):
            yield f"{name} has no comment below its name: why this number?"
        quiet, fired = seen.get(path.with_suffix(".test.yaml"), (set(), set()))
        if rule["alert"] not in fired:
            yield f"{name} is fired by no test of {path.stem}.test.yaml"
        if rule["alert"] not in quiet:
            yield f"{name} is kept quiet by no test of {path.stem}.test.yaml"


def _seen(path: Path) -> tuple[set[str], set[str]]:
    """The alerts that a file's tests keep quiet, and those that they fire."""
    asked = [one for case in load(path)[0]["tests"] for one in case.get("alert_rule_test", [])]
    return (
        {one["alertname"] for one in asked if not one["exp_alerts"]},
        {one["alertname"] for one in asked if one["exp_alerts"]},
    )


def _run(*command: str) -> Iterator[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"promtool {' '.join(command[1:])}: {(done.stdout + done.stderr).strip()[-800:]}"


if __name__ == "__main__":
    here = Tree(
        Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    )
    target(here).write_text(generated(here))
