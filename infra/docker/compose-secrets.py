#!/usr/bin/env python3
"""Makes what infra/compose.yaml reads that has a password in it, with infra/kubernetes/credentials.py.

    infra/docker/compose-secrets.py target/compose

The folder is its owner's alone. Run it again whenever the definitions have changed: passwords stay. Python's own library
is all it needs.
"""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

CREDENTIALS = Path(__file__).resolve().parents[1] / "kubernetes/credentials.py"
BROKER, DATABASE = "amqp://broker:5672", "postgres://database:5432/deskmesh"
# The Secrets of kubernetes/base, and the setting that each is for.
SETTINGS = {
    "deskmesh-broker": ("broker", "DESKMESH__BROKER__URL"),
    "deskmesh-database": ("database", "DESKMESH__DATABASE__URL"),
}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER, as target/compose")
    folder = Path(sys.argv[1])
    subprocess.run([CREDENTIALS, "--broker", BROKER, "--database", DATABASE, folder], check=True, stdout=subprocess.DEVNULL)
    folder.chmod(0o700)
    os.umask(0o077)
    for name, values in stored(folder / "secrets.yaml").items():
        if name in SETTINGS:
            server, setting = SETTINGS[name]
            for service, address in values.items():
                (folder / f"{service}.{server}.env").write_text(f"{setting}={address}\n")
    login = f"POSTGRES_PASSWORD={superuser(folder / 'passwords/database.postgres')}\nPOSTGRES_DB=deskmesh\n"
    (folder / "database.env").write_text(login)
    # Users of the servers' own read these two in their containers; outside, the folder keeps them.
    for name in ("definitions.json", "database.sql"):
        (folder / name).chmod(0o644)
    print(f"{folder}: what infra/compose.yaml reads")


def stored(path: Path) -> dict[str, dict[str, str]]:
    """The Secrets by name: documents of JSON, as credentials.py writes them."""
    documents = [json.loads(text) for text in path.read_text().split("---\n") if text]
    return {one["metadata"]["name"]: one["stringData"] for one in documents}


def superuser(path: Path) -> str:
    """PostgreSQL's own password; kept when it is there."""
    if not path.exists():
        path.write_text(secrets.token_hex(24) + "\n")
    return path.read_text().strip()


if __name__ == "__main__":
    main()
