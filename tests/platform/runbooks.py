"""Runbooks: every alert has one, all have the same parts, and what their commands name is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import documents
import rules
from render import TRACE
from tree import Tree

PARTS = ["What it means", "Who notices", "First three commands", "Decide", "Repair", "Afterwards"]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")


def folder(tree: Tree) -> Path:
    return tree.root / "infra/runbooks"


def every(tree: Tree) -> list[Path]:
    return sorted(path for path in folder(tree).glob("*.md") if path.name != "README.md")


def anchors(text: str) -> set[str]:
    """The anchors of a page, as its headings make them."""
    headings = re.findall(r"^#+ (.*)$", _prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_commands(path: Path) -> list[str]:
    """The lines of the block below that heading."""
    section = path.read_text().partition(f"## {PARTS[2]}\n")[2].partition("\n## ")[0]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return block[1].splitlines() if block else []


def of_alerts(tree: Tree) -> Iterator[str]:
    """Every alert has a runbook, with its anchor, that names it; every runbook is an alert's or on
    the list of questions.
    """
    led_to: dict[str, set[str]] = {}
    for path, rule in rules.alerts(tree):
        page, _, anchor = rule["annotations"].get("runbook", "").partition("#")
        file = tree.root / page
        if not page.startswith("infra/runbooks/") or not file.is_file():
            yield (
                f"{path.name}: {rule['alert']} names the runbook {page or '(none)'}, which is not "
                f"there"
            )
            continue
        led_to.setdefault(file.stem, set()).add(rule["alert"])
        text = file.read_text()
        if anchor and anchor not in anchors(text):
            yield (
                f"{path.name}: {rule['alert']} leads to {page}#{anchor}, and no heading is called "
                f"that"
            )
        if f"`{rule['alert']}`" not in text:
            yield f"{page} does not name {rule['alert']}, which leads there"
    questions = set(re.findall(r"\]\(([a-z-]+)\.md\)", (folder(tree) / "README.md").read_text()))
    for path in every(tree):
        if path.stem not in led_to and path.stem not in questions:
            yield (
                f"infra/runbooks/{path.name} belongs to no alert, and infra/runbooks/README.md "
                f"does not lead there"
            )
        for alert in set(re.findall(r"`(Deskmesh[A-Z]\w+)`", path.read_text())) - {
            rule["alert"] for _, rule in rules.alerts(tree)
        }:
            yield f"infra/runbooks/{path.name} speaks of {alert}, which is no alert"


def alike(tree: Tree) -> Iterator[str]:
    """All have the same six parts, and three commands to begin with."""
    for path in every(tree):
        found = re.findall(r"^## (.*)$", _prose(path.read_text()), re.MULTILINE)
        if found != PARTS:
            yield f"infra/runbooks/{path.name} has the parts {found}, not {PARTS}"
        elif len(first_commands(path)) != 3:
            yield (
                f"infra/runbooks/{path.name} begins with {len(first_commands(path))} commands, "
                f"not with three"
            )


def true(tree: Tree) -> Iterator[str]:
    """Links, services, jobs and commands of services that a runbook names exist."""
    cronjobs = {
        one["metadata"]["name"] for _, one in documents.files(tree) if one["kind"] == "CronJob"
    }
    jobs = {f"{service}-migrate" for service in tree.with_schema()}
    commands = set(
        re.findall(
            r"`([a-z]+)",
            (tree.root / "shared/bootstrap/README.md")
            .read_text()
            .partition("## Commands")[2]
            .partition("## Conf")[0],
        )
    )
    for path in [*every(tree), folder(tree) / "README.md"]:
        where, text = f"infra/runbooks/{path.name}", path.read_text()
        for page, anchor in LINK.findall(text):
            target = (path.parent / page) if page else path
            if not target.exists():
                yield f"{where} links to {page}, which does not exist"
            elif anchor and anchor not in anchors(target.read_text()):
                yield f"{where} links to {page}#{anchor}, and no heading is called that"
        for name in re.findall(r"deploy/([\w-]+)", text):
            if name not in (*tree.with_schema(), TRACE):
                yield f"{where} names the deployment {name}, of which there is none"
        for name in re.findall(r"\bjobs?[/ ]([a-z-]+-migrate)", text):
            if name not in jobs:
                yield f"{where} names the job {name}, of which there is none"
        for name in re.findall(r"get cronjob (\S+)", text):
            if name not in cronjobs:
                yield f"{where} names the CronJob {name}, of which there is none"
        for word in re.findall(r"-- /service (\w+)", text):
            if word not in commands:
                yield (
                    f"{where} runs `{word}` of a service, which shared/bootstrap/README.md does "
                    f"not have"
                )
        for schema, table in re.findall(r"(?:from|update) (\w+)\.(\w+)", text):
            if schema.replace("_", "-") in tree.with_schema() and table not in _tables(
                tree, schema
            ) | {"_sqlx_migrations"}:
                yield f"{where} reads {schema}.{table}, which no migration makes"


def _tables(tree: Tree, schema: str) -> set[str]:
    """Tables that the migrations of a service make: its own, and the runtime's, the line's and the
    edges'.
    """
    folders = (
        "shared/messaging",
        "shared/line",
        "shared/desk",
        f"services/{schema.replace('_', '-')}",
    )
    texts = [
        path.read_text()
        for folder in folders
        for path in (tree.root / folder / "migrations").glob("*.sql")
    ]
    return {name for text in texts for name in re.findall(r"create table (\w+)", text)}


def _prose(text: str) -> str:
    """Without blocks of code, in which a line may begin with #."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
