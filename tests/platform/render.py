"""Every overlay with every combination of components, rendered twice."""

import hashlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tree import EDGES, Object, Tree, load_text

# Of these at most one makes sense; the others go with everything. `small` and `three-zones` are an
# overlay's own, and rabbitmq-topology comes with either of the brokers.
BROKERS = ("rabbitmq-operator", "rabbitmq-external")
# Named by its component.
CANARY = "canary"
TRACE = "trace"
# Where edges keep files, if not in volumes: it changes nothing but them, and is listed after them.
FILES_S3 = "files-s3"
# The Secret with the authority of the database's certificates: its operator's, for everybody.
DATABASE_CA = "database-ca"
# That with the broker's, and the volume in which pods have its authority.
BROKER_TLS, BROKER_CA = "broker-tls", "broker-ca"
# Where the database's log goes: it changes nothing but the database, and is listed after it.
ARCHIVED = ("cnpg", "cnpg-archive")
# KEDA beside a broker of an authority of its own: listed after both.
SCALED_BY_OWN_BROKER = ("rabbitmq-operator", "keda", "keda-broker-ca")
PART_OF_ANOTHER = ("rabbitmq-topology", "small", "three-zones")
# These add objects and change none: with nothing and with everything is enough, and halves the
# number of combinations.
ADDS_ONLY = ("grafana", TRACE)
# Whose ways out the broker's component narrows, so they are listed before it.
BEFORE_BROKER = (CANARY, *sorted(EDGES))


@dataclass(frozen=True)
class Render:
    """One overlay with some components, as the cluster would get it."""

    overlay: str
    components: tuple[str, ...]
    objects: tuple[Object, ...]

    @property
    def name(self) -> str:
        return " + ".join((self.overlay, *self.components))

    def of(self, *kinds: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)


def combinations(tree: Tree) -> list[tuple[str, ...]]:
    """All sets of components that can be listed together; canary and edges, which only servers'
    components change, with each broker.
    """
    of_their_own = (*PART_OF_ANOTHER, *ADDS_ONLY, *BEFORE_BROKER, FILES_S3, ARCHIVED[1])
    of_their_own = (*of_their_own, SCALED_BY_OWN_BROKER[2])
    others = [name for name in tree.components() if name not in (*BROKERS, *of_their_own)]
    sets = itertools.chain.from_iterable(
        itertools.combinations(others, count) for count in range(len(others) + 1)
    )
    brokers = ((), *((name,) for name in BROKERS))
    every = [(*broker, *rest) for rest in sets for broker in brokers]
    # Before the broker's, which narrows its way out.
    with_each = [(first, *broker) for first in BEFORE_BROKER for broker in brokers]
    largest = max(every, key=len)
    with_files = [(*sorted(EDGES), FILES_S3, *broker) for broker in brokers]
    with_archive = [(*broker, *ARCHIVED) for broker in brokers]
    return [
        *every,
        *with_each,
        *with_files,
        *with_archive,
        SCALED_BY_OWN_BROKER,
        (*BEFORE_BROKER, *largest),
    ]


def wanted(tree: Tree, quick: bool) -> list[tuple[str, tuple[str, ...]]]:
    """What is rendered: production with every combination; the others bare, with each component,
    and with everything.

    The overlays differ in size and settings, which the components do not ask about.
    """
    if quick:
        # The canary beside a broker elsewhere as well: one in here narrows its way out.
        return [
            ("development", ()),
            *(
                ("production", one)
                for one in (
                    (),
                    (CANARY, "rabbitmq-external"),
                    (*sorted(EDGES), FILES_S3),
                    everything(tree),
                )
            ),
        ]
    every = [*combinations(tree), *((name,) for name in ADDS_ONLY), everything(tree)]
    few = [one for one in every if len(one) <= 1] + [everything(tree)]
    return [
        (overlay, one)
        for overlay in tree.overlays()
        for one in (every if overlay == "production" else few)
    ]


def everything(tree: Tree) -> tuple[str, ...]:
    """The largest combination."""
    return (*max(combinations(tree), key=len), *ADDS_ONLY)


def render_all(
    tree: Tree, wanted: list[tuple[str, tuple[str, ...]]]
) -> tuple[list[Render], list[str]]:
    """Renders each twice; tells what could not be rendered or came out differently."""
    # Processes, because reading what was rendered takes as long as rendering it.
    with ProcessPoolExecutor() as pool:
        outcomes = list(
            pool.map(_render_twice, [tree] * len(wanted), *zip(*wanted, strict=True), chunksize=4)
        )
    renders = [one for one in outcomes if isinstance(one, Render)]
    return renders, [one for one in outcomes if isinstance(one, str)]


def _render_twice(tree: Tree, overlay: str, components: tuple[str, ...]) -> Render | str:
    folder = _combination(tree, overlay, components)
    name = " + ".join((overlay, *components))
    texts = []
    for _ in range(2):
        done = subprocess.run(
            [kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return f"{name} does not render: {done.stderr.strip()[:600]}"
        texts.append(done.stdout)
    first, second = (hashlib.sha256(text.encode()).hexdigest() for text in texts)
    if first != second:
        return (
            f"{name} renders to {first[:12]} and then to {second[:12]}: what in it is not the "
            f"same every time?"
        )
    return Render(overlay, components, tuple(load_text(texts[0])))


def _combination(tree: Tree, overlay: str, components: tuple[str, ...]) -> Path:
    """Writes the kustomization of a combination: what somebody would write who lists these
    components.
    """
    kubernetes = os.path.relpath(tree.kubernetes, tree.work / "combinations/one")
    lines = [
        "apiVersion: kustomize.config.k8s.io/v1beta1",
        "kind: Kustomization",
        "namespace: deskmesh",
    ]
    lines += ["resources:", f"  - {kubernetes}/overlays/{overlay}"]
    lines += ["components:"] if components else []
    lines += [f"  - {kubernetes}/components/{component}" for component in components]
    folder = tree.work / "combinations" / "+".join((overlay, *components))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return folder


def kubectl() -> str:
    return os.environ.get("KUBECTL", "kubectl")


def distinct(renders: list[Render]) -> Iterator[tuple[Render, Object]]:
    """Every object once, however many combinations have it."""
    seen = set()
    for render in renders:
        for one in render.objects:
            key = repr(one)
            if key not in seen:
                seen.add(key)
                yield render, one
