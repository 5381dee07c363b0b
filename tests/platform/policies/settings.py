"""What the services are told: only what exists, and no secret in the open."""

import re
from collections.abc import Iterator
from typing import Any

from pods import Pod, edges, every_pod, pods
from render import Render
from tree import Tree, title

PREFIX = "DESKMESH__"
# An address with a password in it.
PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def known(tree: Tree, render: Render) -> Iterator[str]:
    """Every variable is a key of the service that gets it, with a value of the key's type: others
    stop the start.
    """
    for pod in (*pods(render), *edges(render)):
        defaults = tree.defaults(pod.service)
        for name, value in pod.settings(render).items():
            if not name.startswith(PREFIX):
                yield (
                    f"{pod.title} is given {name}, which no service reads: settings begin with "
                    f"{PREFIX}"
                )
                continue
            section, _, key = name.removeprefix(PREFIX).lower().partition("__")
            if key not in defaults.get(section, {}):
                yield (
                    f"{pod.title} is given {name}: {pod.service} has no key {section}.{key}, and "
                    f"would not start"
                )
            elif not _fits(value, defaults[section][key]):
                yield (
                    f"{pod.title}: {name} is {value!r}, the key's default is "
                    f"{defaults[section][key]!r}"
                )


def _fits(value: str, default: Any) -> bool:
    if isinstance(default, bool):
        return value in ("true", "false")
    if isinstance(default, int):
        return re.fullmatch(r"-?\d+", value) is not None
    if isinstance(default, float):
        return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    return True


def addresses(tree: Tree, render: Render) -> Iterator[str]:
    """Each address that a command needs is given once: as such or as a file that a volume puts
    there.
    """
    for pod in (*pods(render), *edges(render)):
        defaults, settings = tree.defaults(pod.service), pod.settings(render)
        sections = [name for name, values in defaults.items() if "url" in values]
        for section in sections if pod.command == "run" else ["database"]:
            variable = f"{PREFIX}{section.upper()}__URL"
            plain = settings.get(variable, "")
            given = [plain] if plain not in ("", defaults[section]["url"]) else []
            file = settings.get(f"{variable}_FILE", "")
            if len(given) + bool(file) != 1:
                yield (
                    f"{pod.title} is given {section}.url {len(given) + bool(file)} times, needs "
                    f"it once"
                )
            if file and file not in _files(pod):
                yield (
                    f"{pod.title}: {variable}_FILE names {file}, which none of its volumes has: "
                    f"{sorted(_files(pod))}"
                )


def _files(pod: Pod) -> set[str]:
    """The files that mounted Secrets put into the container."""
    mounts = {mount["name"]: mount["mountPath"] for mount in pod.container.get("volumeMounts", [])}
    volumes = {
        volume["name"]: volume.get("secret", {}).get("items", [])
        for volume in pod.spec.get("volumes", [])
    }
    return {
        f"{mounts[name]}/{item['path']}"
        for name, items in volumes.items()
        if name in mounts
        for item in items
    }


def own_lines(_: Tree, render: Render) -> Iterator[str]:
    """Of a Secret that all share, a pod sees the line of its own service."""
    for pod in pods(render):
        for volume in pod.spec.get("volumes", []):
            secret = volume.get("secret", {})
            keys = [item["key"] for item in secret.get("items", [])]
            if secret.get("secretName") in (
                "deskmesh-broker",
                "deskmesh-database",
                "deskmesh-placeholder",
            ) and keys != [pod.service]:
                yield (
                    f"{pod.title} is shown {keys or 'all keys'} of {secret['secretName']}, not "
                    f"its own alone"
                )


def no_literal_secret(_: Tree, render: Render) -> Iterator[str]:
    """Secrets come from whoever installs this."""
    for one in render.of("Secret"):
        yield f"{title(one)} is in the tree: no Secret may be"
    for one in render.of("ConfigMap"):
        for key, value in (one.get("data") or {}).items():
            if PASSWORD.search(value):
                yield f"{title(one)}: {key} has a password in it"
    for pod in every_pod(render):
        for entry in pod.container.get("env", []):
            if PASSWORD.search(entry.get("value", "")):
                yield f"{pod.title}: {entry['name']} has a password in it"


def references(_: Tree, render: Render) -> Iterator[str]:
    """What a pod takes its settings from is there, under a name that changes with its content."""
    for pod in (*pods(render), *edges(render)):
        for source in pod.container.get("envFrom", []):
            name = source.get("configMapRef", {}).get("name", "")
            if render.find("ConfigMap", name) is None:
                yield (
                    f"{pod.title} takes its settings from ConfigMap {name!r}, which does not exist"
                )
            elif not re.search(r"-[a-z0-9]{10}$", name):
                yield (
                    f"{pod.title}: ConfigMap {name} has no hash in its name, so a changed setting "
                    f"would not roll the pods"
                )


ALL = (known, addresses, own_lines, no_literal_secret, references)
