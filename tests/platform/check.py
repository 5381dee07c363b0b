"""All offline checks of what is deployed. check.sh installs what this needs and starts it.

python check.py [--root DIR] [--quick]      --quick: four combinations
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import alertmanager
import compose
import documents
import grafana
import metrics
import rules
import runbooks
import schemas
import topology
from policies import (
    Assertion,
    availability,
    canary,
    companions,
    containers,
    edges,
    network,
    settings,
    trace,
)
from render import Render, distinct, kubectl, render_all, wanted
from tree import Tree, group_of

ASSERTIONS: list[Assertion] = [
    *containers.ALL,
    *availability.ALL,
    *canary.ALL,
    *edges.ALL,
    *network.ALL,
    *trace.ALL,
    *settings.ALL,
    *companions.ALL,
    *topology.ALL,
]


class Report:
    """Prints a line for each check, and keeps count."""

    def __init__(self) -> None:
        self.failed = 0
        self.skipped: list[str] = []

    def check(self, name: str, problems: Iterable[str]) -> None:
        found = list(problems)
        print(f"{'FAILED' if found else 'ok':<7} {name}", flush=True)
        for problem in found[:20]:
            print(f"        {problem}", flush=True)
        if len(found) > 20:
            print(f"        and {len(found) - 20} more", flush=True)
        self.failed += bool(found)

    def missing(self, tool: str, how: str) -> None:
        """A tool that is not there: in CI that is a failure, elsewhere it is told at the end."""
        if os.environ.get("CI"):
            self.check(f"{tool} is there", [f"{tool} is missing: {how}"])
        else:
            self.skipped.append(f"{tool} is missing: {how}")


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    begin, tree, report = time.monotonic(), Tree(given.root.resolve()), Report()
    if shutil.which(kubectl()):
        check_manifests(tree, report, given.quick)
    else:
        report.missing(
            "kubectl", "install Kubernetes' command line, 1.32 or later, or name it in KUBECTL"
        )
    check_rules(tree, report)
    check_texts(tree, report)
    for line in report.skipped:
        print(f"SKIPPED {line}")
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    print(f"{report.failed} failed{skipped}, {time.monotonic() - begin:.0f} s")
    return 1 if report.failed else 0


def check_manifests(tree: Tree, report: Report, quick: bool) -> None:
    """Everything that needs a render."""
    chosen = wanted(tree, quick)
    renders, problems = render_all(tree, chosen)
    report.check(
        f"{len(chosen)} combinations of {len(tree.overlays())} overlays with components render, "
        f"twice to the same bytes",
        problems,
    )
    check_schemas(tree, report, renders)
    for assertion in ASSERTIONS:
        report.check(
            f"{assertion.__module__.rpartition('.')[2]}: {lead(assertion)}",
            found(tree, renders, assertion),
        )


def check_schemas(tree: Tree, report: Report, renders: list[Render]) -> None:
    """Objects against schemas, and what is written about that."""
    in_files = documents.files(tree)
    named = [(render.name, one) for render, one in distinct(renders)]
    # What a patch or a component's kustomization is, rendering says; examples are rendered by
    # nobody.
    named += [
        (str(path.relative_to(tree.root)), one)
        for path, one in in_files
        if "examples" in path.parts
    ]
    checked = schemas.check(tree, named)
    there = schemas.folder(tree).is_dir()
    total = sum(checked.valid.values())
    report.check(
        f"{total} different objects are valid by their schemas, Kubernetes' own by those of "
        f"{' and '.join(schemas.VERSIONS)}",
        checked.wrong,
    )
    unchecked = sum(checked.without_schema.values())
    why = "" if there else f", because {schemas.folder(tree)} is not there (CRD_SCHEMAS names it)"
    print(
        f"        {unchecked} objects could not be checked{why}: "
        f"{documents.counted(checked.without_schema) or 'none'}"
    )
    kinds = {(one["kind"], group_of(one)) for _, one in in_files} | {
        (one["kind"], group_of(one)) for _, one in named
    }
    report.check(
        "documents: infra/README.md says of every kind what was done with it",
        documents.honest(tree, kinds, checked, there),
    )


def found(tree: Tree, renders: list[Render], assertion: Assertion) -> list[str]:
    """What an assertion finds, each once, with the first render that has it."""
    first: dict[str, str] = {}
    for render in renders:
        for problem in assertion(tree, render):
            first.setdefault(problem, render.name)
    return [f"{problem} [{name}]" for problem, name in first.items()]


def check_rules(tree: Tree, report: Report) -> None:
    """What is watched, and what to do then."""
    report.check("rules: the operator's object is what infra/prometheus says", rules.current(tree))
    promtool = tool("promtool", "prometheus", report)
    if promtool:
        report.check(
            "rules: promtool finds them well-formed, firing and quiet where they should be",
            rules.promtool(tree, promtool),
        )
        report.check(f"grafana: {lead(grafana.parsed)}", grafana.parsed(tree, promtool))
    for assertion in (
        rules.complete,
        metrics.well_formed,
        metrics.asked_for,
        grafana.current,
        grafana.readable,
        runbooks.of_alerts,
        runbooks.alike,
        runbooks.true,
        alertmanager.silences,
    ):
        report.check(f"{assertion.__module__}: {lead(assertion)}", assertion(tree))
    amtool = tool("amtool", "prometheus-alertmanager", report)
    if amtool:
        report.check(
            f"alertmanager: {lead(alertmanager.well_formed)}",
            alertmanager.well_formed(tree, amtool),
        )


def tool(name: str, package: str, report: Report) -> str | None:
    """Where a program is: what its variable names, or what the path has."""
    found = os.environ.get(name.upper()) or shutil.which(name)
    if not found:
        report.missing(name, f"Debian's package {package} has it; or name it in {name.upper()}")
    return found


def check_texts(tree: Tree, report: Report) -> None:
    report.check(
        "documents: links lead somewhere, every component and overlay is described",
        documents.links(tree),
    )
    report.check(f"compose: {lead(compose.operated)}", compose.operated(tree))
    kubernetes = str(tree.kubernetes)
    report.check(
        "yamllint",
        run(
            "yamllint",
            "--strict",
            "-c",
            str(Path(__file__).parent / "yamllint.yaml"),
            kubernetes,
            str(tree.root / "infra/prometheus"),
            str(tree.root / "infra/alertmanager"),
            str(tree.root / "infra/grafana"),
        ),
    )
    scripts = [
        script for folder in ("infra", "tests") for script in (tree.root / folder).rglob("*.sh")
    ]
    # What a script reads in lies beside it, and is among these.
    report.check(
        "shellcheck",
        run("shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *map(str, scripts)),
    )


def run(*command: str) -> list[str]:
    """What a linter says; it lies beside the Python that runs this."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([str(program), *command[1:]], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()


def lead(function: Callable) -> str:
    """The first paragraph of what a function says of itself, on one line."""
    first = (function.__doc__ or function.__name__).strip().split("\n\n")[0]
    return " ".join(first.split()).rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
