"""Where things lie, and how they are read."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
# Services that are components of their own: a deployment has them or not.
EDGES = {"gateway", "helpdesk", "nhd-bridge"}


@dataclass(frozen=True)
class Tree:
    """A clone of the repository."""

    root: Path

    @property
    def kubernetes(self) -> Path:
        return self.root / "infra/kubernetes"

    @property
    def work(self) -> Path:
        """Below target/, for what is made while checking."""
        return self.root / "target/platform"

    def overlays(self) -> list[str]:
        return sorted(
            path.parent.name for path in (self.kubernetes / "overlays").glob("*/kustomization.yaml")
        )

    def components(self) -> list[str]:
        return sorted(
            path.parent.name
            for path in (self.kubernetes / "components").glob("*/kustomization.yaml")
        )

    @functools.cache
    def services(self) -> list[str]:
        """Those of the line, which every deployment has."""
        found = (
            path.parent.name for path in (self.root / "services").glob("*/config.default.toml")
        )
        return sorted(name for name in found if name not in EDGES)

    @functools.cache
    def with_schema(self) -> list[str]:
        """Every service, edges as well: each has a role and a schema in the database."""
        return sorted({*self.services(), *EDGES})

    @functools.cache
    def defaults(self, service: str) -> dict[str, dict[str, Any]]:
        """Every key that a service knows, by section: the ones that all have, and its own."""
        common = tomllib.loads((self.root / "shared/bootstrap/config.default.toml").read_text())
        own = tomllib.loads((self.root / f"services/{service}/config.default.toml").read_text())
        return {**common, **own}

    def rule_files(self) -> list[Path]:
        """The files of infra/prometheus that hold rules, without their tests and without
        Prometheus' own configuration.
        """
        files = sorted((self.root / "infra/prometheus").glob("*.yaml"))
        return [
            path
            for path in files
            if not path.name.endswith(".test.yaml") and "groups" in (load(path)[0] or {})
        ]


def load(path: Path) -> list[Any]:
    """All documents of a YAML file."""
    return list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))


def load_text(text: str) -> list[Object]:
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def title(one: Object) -> str:
    """How an object is named in a message."""
    return f"{one['kind']}/{one['metadata']['name']}"


def group_of(one: Object) -> str:
    group, slash, _ = one["apiVersion"].partition("/")
    return group if slash else ""


def selects(selector: Object | None, labels: dict[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    if selector is None:
        return False
    if selector.get("matchExpressions"):
        raise ValueError(
            "matchExpressions are not used in this tree, and not understood by its checks"
        )
    return all(
        labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()
    )
