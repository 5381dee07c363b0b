"""What is written about the tree is true of it."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from schemas import KUSTOMIZE, Checked
from tree import Object, Tree, load

HEADING = "## Kubernetes objects"
STATES = ("run", "schema-checked", "unchecked")


def files(tree: Tree) -> list[tuple[Path, Object]]:
    """Every object that stands in a file of the tree, also where nothing renders it."""
    paths = sorted(tree.kubernetes.rglob("*.yaml"))
    return [
        (path, one)
        for path in paths
        for one in load(path)
        if isinstance(one, dict) and "kind" in one
    ]


def table(tree: Tree) -> dict[tuple[str, str], str]:
    """The honesty table: (kind, group) and its state."""
    _, _, text = (tree.root / "infra/README.md").read_text().partition(HEADING)
    section = text.split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\w.-]*|core) \| ([\w-]+) \|", section, re.MULTILINE)
    return {(kind, "" if group == "core" else group): state for kind, group, state in rows}


def honest(
    tree: Tree, kinds: set[tuple[str, str]], checked: Checked, schemas_there: bool
) -> Iterator[str]:
    """Every kind is in the table, with what was really done with it."""
    written = table(tree)
    for kind, group in sorted(kinds - set(written)):
        yield (
            f"infra/README.md does not say of {kind} ({group or 'core'}) whether it was run, "
            f"schema-checked or unchecked"
        )
    for kind, group in sorted(set(written) - kinds):
        yield f"infra/README.md has a row for {kind} ({group or 'core'}), of which there is none"
    for key, state in written.items():
        if state not in STATES:
            yield f"infra/README.md says {state} of {key[0]}: the words are {', '.join(STATES)}"
        has_schema = key in checked.valid or key[1] == KUSTOMIZE
        if (
            state != "unchecked"
            and not has_schema
            and (schemas_there or key not in checked.without_schema)
        ):
            yield (
                f"infra/README.md says {state} of {key[0]}, for which there is no schema: it is "
                f"unchecked"
            )
        if state == "unchecked" and key in checked.valid:
            yield f"infra/README.md says unchecked of {key[0]}, which was held against its schema"


def links(tree: Tree) -> Iterator[str]:
    """The README's paths lead somewhere, and it knows every component and overlay."""
    for folder in (
        "infra",
        "infra/kubernetes",
        "infra/prometheus",
        "infra/grafana",
        "tests/platform",
    ):
        readme = tree.root / folder / "README.md"
        text = readme.read_text()
        for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (readme.parent / path).exists():
                yield f"{readme.relative_to(tree.root)} links to {path}, which does not exist"
    text = (tree.kubernetes / "README.md").read_text()
    for name in (*tree.components(), *tree.overlays()):
        if f"`{name}`" not in text:
            yield f"infra/kubernetes/README.md does not say what `{name}` is"


def counted(counter: Counter) -> str:
    return ", ".join(f"{count} {kind}" for (kind, _), count in sorted(counter.items()))
