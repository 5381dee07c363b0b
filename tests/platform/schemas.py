"""Objects against schemas: Kubernetes' own kinds strictly, custom ones by the schemas of their
definitions.
"""

import functools
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import kubernetes_validate
from kubernetes_validate import utils

from tree import Object, Tree, group_of, title

# The oldest that infra/kubernetes/README.md names, and the newest that the package has.
VERSIONS = ("1.31", kubernetes_validate.latest_version())
# Read by kubectl itself: rendering them is their check.
KUSTOMIZE = "kustomize.config.k8s.io"

# The package reads megabytes of JSON anew for each object.
utils.schema_contents = functools.cache(utils.schema_contents)


@dataclass
class Checked:
    """What came of it, by kind: (kind, group)."""

    wrong: list[str] = field(default_factory=list)
    valid: Counter = field(default_factory=Counter)
    without_schema: Counter = field(default_factory=Counter)


def folder(tree: Tree) -> Path:
    """Where the schemas of custom kinds lie: third-party data beside the repository, not in it."""
    return Path(os.environ.get("CRD_SCHEMAS", tree.root / "../shared/crd-schemas")).resolve()


def check(tree: Tree, named: list[tuple[str, Object]]) -> Checked:
    """Validates each object; `named` says where it is from."""
    checked = Checked()
    for where, one in named:
        kind = (one["kind"], group_of(one))
        if kind[1] == KUSTOMIZE:
            continue
        problem = _core(one)
        if problem is None:
            problem = _custom(folder(tree), one)
        if problem is None:
            checked.without_schema[kind] += 1
        else:
            checked.valid[kind] += 1
            checked.wrong += [f"{title(one)} ({where}): {problem}"] if problem else []
    return checked


def _core(one: Object) -> str | None:
    """What is wrong, nothing, or None when it is no kind of Kubernetes' own."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            return None
        except kubernetes_validate.ValidationError as error:
            return f"{_path(error)}: {error.message[:300]} (Kubernetes {version})"
    return ""


def _custom(schemas: Path, one: Object) -> str | None:
    validator = _validator(
        schemas, group_of(one), one["kind"].lower(), one["apiVersion"].rpartition("/")[2]
    )
    if validator is None:
        return None
    error = jsonschema.exceptions.best_match(validator.iter_errors(one))
    return f"{_path(error)}: {error.message[:300]}" if error else ""


@functools.cache
def _validator(
    schemas: Path, group: str, kind: str, version: str
) -> jsonschema.Draft7Validator | None:
    path = schemas / group / f"{kind}_{version}.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text())) if path.exists() else None


def _path(error: jsonschema.ValidationError) -> str:
    return ".".join(str(part) for part in error.absolute_path) or "the object"
