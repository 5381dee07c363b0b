"""Alertmanager's example: well-formed, its routes lead where they should, and a cause silences what
follows from it.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rules
from tree import Tree, load

RECEIVERS = {"page": "pager", "ticket": "tickets"}
# What fires together, and which of it the example leaves to be heard.
FIRING_AND_HEARD = [
    # A lost broker, and all that ever is, but its own alarm and the database: two servers may be
    # lost at once.
    (
        "DeskmeshBrokerLost",
        None,
        {"DeskmeshBrokerLost", "DeskmeshBrokerBlocked", "DeskmeshDatabaseLost"},
    ),
    (
        "DeskmeshDatabaseLost",
        ["DeskmeshStepStuck", "DeskmeshQueueGrowing", "DeskmeshParked"],
        {"DeskmeshDatabaseLost", "DeskmeshParked"},
    ),
    (
        "DeskmeshServiceGone",
        ["DeskmeshQueueWithoutConsumer", "DeskmeshBuildsDiffer"],
        {"DeskmeshServiceGone", "DeskmeshBuildsDiffer"},
    ),
    (
        "DeskmeshServiceCutOff",
        ["DeskmeshReplicaWaits", "DeskmeshCanaryMissing"],
        {"DeskmeshServiceCutOff", "DeskmeshCanaryMissing"},
    ),
    (
        "DeskmeshSyncBudgetBurnFast",
        ["DeskmeshSyncBudgetDrift", "DeskmeshQueueGrowing"],
        {"DeskmeshSyncBudgetBurnFast", "DeskmeshQueueGrowing"},
    ),
    (
        "DeskmeshParkedFlood",
        ["DeskmeshParked", "DeskmeshUndelivered"],
        {"DeskmeshParkedFlood", "DeskmeshUndelivered"},
    ),
]
# Causes that need no case of their own above: they are beside one that has it, in the same rule or
# a rule like it.
OTHER_CAUSES = {
    "DeskmeshBrokerBlocked",
    "DeskmeshServiceDoesNotStart",
    "DeskmeshSyncBudgetBurnSlow",
    "DeskmeshUndeliveredFlood",
}
# Services of the one that fires first and of the rest: what is silenced job by job is not silenced
# for another.
JOBS = ("comment-sync", "field-sync")


def config(tree: Tree) -> Path:
    return tree.root / "infra/alertmanager/alertmanager.yaml"


def well_formed(tree: Tree, amtool: str) -> Iterator[str]:
    """Alertmanager can read its example, and every alert goes to whom its severity says."""
    done = _run(amtool, "check-config", str(config(tree)))
    if done.returncode != 0:
        yield f"amtool check-config: {(done.stdout + done.stderr).strip()[-600:]}"
        return
    for path, rule in rules.alerts(tree):
        labels = [f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}"]
        said = _run(
            amtool, "config", "routes", "test", f"--config.file={config(tree)}", *labels
        ).stdout.strip()
        if said != RECEIVERS.get(rule["labels"]["severity"]):
            yield (
                f"amtool config routes test: {rule['alert']} of {path.name}, a "
                f"{rule['labels']['severity']}, goes to {said or 'nobody'}"
            )


@dataclass(frozen=True)
class Inhibition:
    """One rule, as Alertmanager applies it; amtool cannot be asked."""

    rule: dict[str, Any]

    def silences(self, source: dict[str, str], target: dict[str, str]) -> bool:
        ours, theirs = self.rule["source_matchers"], self.rule["target_matchers"]
        if not (_matches(ours, source) and _matches(theirs, target)):
            return False
        # One that is on both sides is not silenced by such a one: else two would silence each
        # other.
        if _matches(theirs, source) and _matches(ours, target):
            return False
        return all(
            source.get(label, "") == target.get(label, "") for label in self.rule.get("equal", [])
        )


def silences(tree: Tree) -> Iterator[str]:
    """A cause silences what follows from it, of its own service where it is one service's, and
    nothing else.
    """
    inhibitions = [Inhibition(rule) for rule in load(config(tree))[0]["inhibit_rules"]]
    names = {rule["alert"] for _, rule in rules.alerts(tree)}
    for one in inhibitions:
        for side in ("source_matchers", "target_matchers"):
            if not any(_matches(one.rule[side], {"alertname": name}) for name in names):
                yield f"an inhibition has {one.rule[side]}, which no alert meets"
    for cause, others, expected in FIRING_AND_HEARD:
        together = names if others is None else {cause, *others}
        for name in sorted(together - names):
            yield f"{name} is no alert: mend the list in tests/platform/alertmanager.py"
        heard = _heard(inhibitions, cause, together, JOBS[0])
        if heard != expected:
            yield f"with {cause} are heard {sorted(heard)}, should be {sorted(expected)}"
    for name in sorted(names - {cause for cause, _, _ in FIRING_AND_HEARD} - OTHER_CAUSES):
        silenced = names - _heard(inhibitions, name, names, JOBS[0])
        if silenced:
            yield f"{name} is no cause of others, and silences {sorted(silenced)}"
    for cause in ("DeskmeshServiceCutOff", "DeskmeshParkedFlood"):
        silenced = names - _heard(inhibitions, cause, names, JOBS[1])
        if silenced:
            yield f"{cause} of {JOBS[0]} silences {sorted(silenced)} of {JOBS[1]}"


def _heard(inhibitions: list[Inhibition], cause: str, names: set[str], job: str) -> set[str]:
    """What is still heard of these, which are this service's, beside the cause."""
    source = {"alertname": cause, "job": JOBS[0]}
    targets = [{"alertname": name, "job": job} for name in names]
    return {
        one["alertname"]
        for one in targets
        if not any(rule.silences(source, one) for rule in inhibitions)
    }


def _matches(matchers: list[str], labels: dict[str, str]) -> bool:
    return all(_meets(matcher, labels) for matcher in matchers)


def _meets(matcher: str, labels: dict[str, str]) -> bool:
    parts = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher)
    if not parts:
        raise ValueError(
            f"the matcher {matcher} is not understood by tests/platform/alertmanager.py: label, "
            f"operator, value in quotes"
        )
    name, operator, value = parts.groups()
    has = labels.get(name, "")
    if operator in ("=", "!="):
        return (has == value) == (operator == "=")
    return bool(re.fullmatch(value, has)) == (operator == "=~")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
