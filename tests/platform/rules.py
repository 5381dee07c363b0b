"""Prometheus' rules: one plain file each, tested by promtool, and the operator's object made from it.

python rules.py          rewrites infra/kubernetes/components/prometheus-operator/rules.yaml
"""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tree import Tree

HEADER = """\
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: deskmesh-{name}
spec:
"""


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
    tests = sorted((tree.root / "infra/prometheus").glob("*.test.yaml"))
    for path in tests:
        yield from _run(program, "test", "rules", str(path))
    for path in tree.rule_files():
        if path.with_suffix(".test.yaml") not in tests:
            yield f"{path.relative_to(tree.root)} has no {path.stem}.test.yaml: an alert that was never seen to fire is no alert"


def _run(*command: str) -> Iterator[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"promtool {' '.join(command[1:])}: {(done.stdout + done.stderr).strip()[-800:]}"


if __name__ == "__main__":
    here = Tree(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    target(here).write_text(generated(here))
