#!/usr/bin/env python3
"""Makes what infra/compose.yaml reads that has a password in it, with
infra/kubernetes/credentials.py.

    infra/docker/compose-secrets.py target/compose

It also writes operator.env, with what deskmesh-operator asks for. The folder is its owner's alone.
Run it again whenever the definitions have changed: passwords stay. Python's own library is all it
needs.
"""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

CREDENTIALS = Path(__file__).resolve().parents[1] / "kubernetes/credentials.py"
BROKER, DATABASE = "amqp://broker:5672", "postgres://database:5432/deskmesh"
# Who lets accounts in, by the management API; no service has this user.
ADMINISTRATOR = "admin"
# Where compose.yaml publishes each service, in the order of the file.
PORTS = {
    "agreement-service": 9091,
    "share-dispatcher": 9092,
    "comment-sync": 9093,
    "field-sync": 9094,
    "notifier": 9095,
}
# Where compose.yaml publishes the edges' doors for the operator.
DOORS = {"gateway": 8081, "helpdesk": 8084, "nhd-bridge": 8086}
# The Secrets of kubernetes/base, and the setting that each is for.
SETTINGS = {
    "deskmesh-broker": ("broker", "DESKMESH__BROKER__URL"),
    "deskmesh-database": ("database", "DESKMESH__DATABASE__URL"),
    "deskmesh-placeholder": ("placeholder", "DESKMESH__PLACEHOLDER__KEYS"),
}

# The Secret of each edge, and the setting that each of its keys is for.
EDGES = ("gateway", "helpdesk", "nhd-bridge")
EDGE_SETTINGS = {
    "DESKMESH__BROKER__URL": "broker",
    "DESKMESH__DATABASE__URL": "database",
    "DESKMESH__OPERATOR__SECRET": "operator",
    "DESKMESH__KEYS__SECRET": "keys",
    "DESKMESH__PAGES__SECRET": "pages",
    "DESKMESH__BRIDGE__SECRET": "bridge",
}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER, as target/compose")
    folder = Path(sys.argv[1])
    subprocess.run(
        [CREDENTIALS, "--broker", BROKER, "--database", DATABASE, folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    folder.chmod(0o700)
    os.umask(0o077)
    for name, values in stored(folder / "secrets.yaml").items():
        if name in SETTINGS:
            server, setting = SETTINGS[name]
            for service, address in values.items():
                (folder / f"{service}.{server}.env").write_text(f"{setting}={address}\n")
    for setting, key in EDGE_SETTINGS.items():
        for edge in EDGES:
            values = stored(folder / "secrets.yaml")[f"deskmesh-{edge}"]
            if key in values:
                (folder / f"{edge}.{key}.env").write_text(f"{setting}={values[key]}\n")
    shown = stored(folder / "secrets.yaml")["deskmesh-trace"]
    (folder / "trace.env").write_text(
        f"DESKMESH__HTTP__TRACE_SECRET={shown['secret']}\n"
        f"DESKMESH__HTTP__OPERATOR_SECRET={shown['operator']}\n"
    )
    login = (
        f"POSTGRES_PASSWORD={password(folder / 'passwords/database.postgres')}\n"
        f"POSTGRES_DB=deskmesh\n"
    )
    (folder / "database.env").write_text(login)
    administer(folder / "definitions.json", password(folder / f"passwords/broker.{ADMINISTRATOR}"))
    (folder / "operator.env").write_text(operators(folder))
    # Users of the servers' own read these two in their containers; outside, the folder keeps them.
    for name in ("definitions.json", "database.sql"):
        (folder / name).chmod(0o644)
    print(f"{folder}: what infra/compose.yaml reads")


def stored(path: Path) -> dict[str, dict[str, str]]:
    """The Secrets by name: documents of JSON, as credentials.py writes them."""
    documents = [json.loads(text) for text in path.read_text().split("---\n") if text]
    return {one["metadata"]["name"]: one["stringData"] for one in documents}


def administer(path: Path, login: str) -> None:
    """Adds the broker's administrator to its definitions: in a container nobody could add one by
    hand.
    """
    definitions = json.loads(path.read_text())
    vhost = definitions["vhosts"][0]["name"]
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + login.encode()).digest()).decode()
    user = {
        "name": ADMINISTRATOR,
        "password_hash": hashed,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
    }
    rights = {"user": ADMINISTRATOR, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
    definitions["users"].append(user)
    definitions["permissions"].append(rights)
    path.write_text(json.dumps(definitions, indent=2) + "\n")


def operators(folder: Path) -> str:
    """What deskmesh-operator asks for, to be sourced by a shell."""
    vhost = json.loads((folder / "definitions.json").read_text())["vhosts"][0]["name"]
    values = {
        "DESKMESH_MANAGEMENT_URL": (
            f"http://{ADMINISTRATOR}:{password(folder / f'passwords/broker.{ADMINISTRATOR}')}"
            f"@127.0.0.1:15672"
        ),
        "DESKMESH_BROKER_URL": (
            f"amqp://operator:{password(folder / 'passwords/broker.operator')}"
            f"@127.0.0.1:5672/{vhost}"
        ),
        "DESKMESH_TRACE_SECRET_FILE": str((folder / "passwords/trace").resolve()),
        "DESKMESH_OPERATOR_SECRET_FILE": str((folder / "passwords/trace.operator").resolve()),
        "DESKMESH_SERVICES": ",".join(
            f"{name}=http://127.0.0.1:{port}" for name, port in PORTS.items()
        ),
    }
    for edge, port in DOORS.items():
        variable = edge.upper().replace("-", "_")
        values[f"DESKMESH_{variable}_URL"] = f"http://127.0.0.1:{port}"
        values[f"DESKMESH_{variable}_SECRET_FILE"] = str(
            (folder / f"passwords/operator.{edge}").resolve()
        )
    return "".join(f"export {name}='{value}'\n" for name, value in values.items())


def password(path: Path) -> str:
    """Made once; kept when it is there."""
    if not path.exists():
        path.write_text(secrets.token_hex(24) + "\n")
    return path.read_text().strip()


if __name__ == "__main__":
    main()
