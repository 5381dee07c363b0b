"""On one machine with compose: who operates it can let accounts in and ask what became of a
ticket.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tree import Tree, load

MANAGEMENT, AMQP, HTTP = 15672, 5672, 9090


def operated(tree: Tree) -> Iterator[str]:
    """compose.yaml publishes the management API, and compose-secrets.py makes who may use it and
    says where.
    """
    services = load(tree.root / "infra/compose.yaml")[0]["services"]
    with tempfile.TemporaryDirectory() as folder:
        script = tree.root / "infra/docker/compose-secrets.py"
        done = subprocess.run(
            [sys.executable, str(script), folder], capture_output=True, text=True, check=False
        )
        if done.returncode:
            yield f"compose-secrets.py fails: {done.stderr.strip()[-300:]}"
            return
        definitions = json.loads((Path(folder) / "definitions.json").read_text())
        given = dict(
            re.findall(
                r"^export (\w+)='(.*)'$", (Path(folder) / "operator.env").read_text(), re.MULTILINE
            )
        )
    administrators = [
        user["name"] for user in definitions["users"] if "administrator" in user["tags"]
    ]
    management, broker = (
        urlsplit(given.get(name, "")) for name in ("DESKMESH_MANAGEMENT_URL", "DESKMESH_BROKER_URL")
    )
    if [management.username] != administrators:
        yield (
            f"operator.env logs in to the management API as {management.username}, its "
            f"administrators are {administrators}"
        )
    if not any(
        right["user"] == management.username and right["configure"] == ".*"
        for right in definitions["permissions"]
    ):
        yield f"{management.username} may not declare an account's queue"
    if broker.username != "operator" or broker.path.removeprefix("/") not in {
        one["name"] for one in definitions["vhosts"]
    }:
        yield f"operator.env has {broker.username} in {broker.path} for DESKMESH_BROKER_URL"
    for url, inner in ((management, MANAGEMENT), (broker, AMQP)):
        yield from _published("broker", services["broker"], url.netloc.rpartition("@")[2], inner)
    asked = dict(
        part.split("=", 1) for part in given.get("DESKMESH_SERVICES", "").split(",") if part
    )
    if sorted(asked) != tree.services():
        yield f"operator.env asks {sorted(asked)}, the services are {tree.services()}"
    for name, address in asked.items():
        yield from _published(name, services[name], urlsplit(address).netloc, HTTP)


def _published(name: str, service: dict, outside: str, inner: int) -> Iterator[str]:
    if f"{outside}:{inner}" not in service.get("ports", []):
        yield (
            f"compose.yaml publishes {service.get('ports')} of {name}, operator.env needs "
            f"{outside} for its port {inner}"
        )
