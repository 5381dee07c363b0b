#!/usr/bin/env python3
"""Makes the passwords of a deployment, and every file that has them in it.

    infra/kubernetes/credentials.py --broker amqps://broker.example.org \\
        --database postgres://db.example.org/deskmesh DIR

DIR gets, readable by its owner alone:

    passwords/…        one file each; kept when there already: delete one and run again to rotate
                       it. Keys of a store for files, which makes them itself, put there by hand:
                       s3-access-key.gateway, s3-secret-key.gateway; the same with .helpdesk
    secrets.yaml       the Secrets, for kubectl apply
    definitions.json   infra/rabbitmq/definitions.json with the passwords' hashes, for
                       rabbitmqctl import_definitions
    database.sql       roles and schemas, for psql in the new database

Python's own library is all it needs.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

DEFINITIONS = Path(__file__).resolve().parents[1] / "rabbitmq/definitions.json"
# What a deployment may have beside the line: an account at the broker,
# `deskmesh-operator account add gateway --may-operate`.
EDGES = ("gateway", "helpdesk", "nhd-bridge")
# The keys of a store for their files, for the component files-s3.
STORE = ("s3-access-key", "s3-secret-key")
# Which of them keeps secrets of others, encrypted with one of its own.
KEEPERS = ("gateway", "helpdesk", "nhd-bridge")
# Tells the others' pages how partners are called.
BRIDGE = "nhd-bridge"
# What a broker's address has whose authority is one's own.
CA_FILE = "cacertfile="
# Without it RabbitMQ's topology operator does not see a Secret.
FOR_THE_OPERATOR = {"rabbitmq.com/topology-operator": "true"}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--broker",
        required=True,
        help="amqp:// or amqps://, host, perhaps port, no user; files as in ?cacertfile=",
    )
    arguments.add_argument(
        "--database",
        required=True,
        help="postgres://, host, perhaps port, and database; options as in ?sslmode=verify-full",
    )
    arguments.add_argument(
        "--account",
        action="append",
        default=[],
        help="an account whose broker user gets a password too; may be repeated",
    )
    arguments.add_argument("--namespace", default="deskmesh")
    arguments.add_argument("folder", type=Path)
    given = arguments.parse_args()
    for name in given.account:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
            sys.exit(f"{name!r} is no account's name: small letters, digits and hyphens")
    os.umask(0o077)
    Credentials(given).write()


class Credentials:
    """All passwords of one deployment."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.definitions = json.loads(DEFINITIONS.read_text())
        self.vhost = self.definitions["vhosts"][0]["name"]
        self.users = [user["name"] for user in self.definitions["users"]]
        self.services = [
            user.removeprefix("svc.") for user in self.users if user.startswith("svc.")
        ]

    def write(self) -> None:
        """Writes what DIR gets."""
        folder = self.given.folder
        (folder / "passwords").mkdir(parents=True, exist_ok=True)
        documents = "".join(f"---\n{json.dumps(one, indent=2)}\n" for one in self.secrets())
        (folder / "secrets.yaml").write_text(documents)
        (folder / "definitions.json").write_text(json.dumps(self.with_hashes(), indent=2) + "\n")
        (folder / "database.sql").write_text(self.sql())
        print(f"{folder}: secrets.yaml, definitions.json, database.sql")

    def password(self, of: str) -> str:
        """Hexadecimal, so that it stands in an address as it is."""
        path = self.given.folder / "passwords" / of
        if not path.exists():
            path.write_text(secrets.token_hex(24) + "\n")
        return path.read_text().strip()

    def secrets(self) -> list[dict]:
        """The base's three, what who asks the services shows, one for each edge, and one for each
        user and role that an operator makes.
        """
        broker = {
            name: self.address(
                self.given.broker, f"svc.{name}", f"broker.svc.{name}", f"/{self.vhost}"
            )
            for name in self.services
        }
        database = {name: self.database_of(name) for name in self.services}
        if CA_FILE in self.given.broker:
            # For KEDA, which reads no file of a pod.
            broker["tls"] = "enable"
        placeholder = {"share-dispatcher": self.password("placeholder")}
        made = [
            self.secret("deskmesh-broker", broker),
            self.secret("deskmesh-database", database),
            self.secret("deskmesh-placeholder", placeholder),
            self.secret(
                "deskmesh-trace",
                {"secret": self.password("trace"), "operator": self.password("trace.operator")},
            ),
        ]
        for user in [*self.users, *self.given.account]:
            login = {"username": user, "password": self.password(f"broker.{user}")}
            made.append(self.secret(f"broker-user-{user}", login, FOR_THE_OPERATOR))
        for edge in EDGES:
            values = {
                "broker": self.address(self.given.broker, edge, f"broker.{edge}", f"/{self.vhost}"),
                "database": self.database_of(edge),
                "operator": self.password(f"operator.{edge}"),
            }
            if edge in KEEPERS:
                values["keys"] = self.password(f"keys.{edge}")
            values |= self.store_of(edge)
            # What the edges with pages show the bridge, and what it asks for.
            values["pages" if edge == BRIDGE else "bridge"] = self.password(f"pages.{BRIDGE}")
            made.append(self.secret(f"deskmesh-{edge}", values))
        for name in (*self.services, *EDGES):
            login = {"username": role(name), "password": self.password(f"database.{name}")}
            made.append(
                self.secret(
                    f"database-role-{name}",
                    login,
                    {"cnpg.io/reload": "true"},
                    "kubernetes.io/basic-auth",
                )
            )
        return made

    def secret(
        self, name: str, values: dict, labels: dict | None = None, kind: str = "Opaque"
    ) -> dict:
        metadata = {"name": name, "namespace": self.given.namespace, "labels": labels or {}}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": kind,
            "stringData": values,
        }

    def address(self, server: str, user: str, password: str, path: str | None) -> str:
        parts = urlsplit(server)
        if not parts.hostname or parts.username:
            sys.exit(f"{server} is no address of a server: scheme://host:port, and no user")
        return urlunsplit(
            parts._replace(
                netloc=f"{user}:{self.password(password)}@{parts.netloc}", path=path or parts.path
            )
        )

    def store_of(self, edge: str) -> dict[str, str]:
        """The keys of a store for an edge's files, if somebody put them there: both, or neither."""
        there = {key: self.given.folder / "passwords" / f"{key}.{edge}" for key in STORE}
        found = {key: path.read_text().strip() for key, path in there.items() if path.exists()}
        if len(found) == 1:
            [missing] = set(STORE) - set(found)
            sys.exit(f"{there[missing]} is not there, and its neighbour is: a store has two keys")
        return found

    def database_of(self, service: str) -> str:
        return self.address(self.given.database, role(service), f"database.{service}", None)

    def with_hashes(self) -> dict:
        """The definitions, with users that can log in."""
        for user in self.definitions["users"]:
            user["password_hash"] = hashed(self.password(f"broker.{user['name']}"))
        return self.definitions

    def sql(self) -> str:
        """A role and a schema of the same name for each service and edge; the search path that
        PostgreSQL has finds it.
        """
        lines = [
            "-- Run in the database of Deskmesh, as a superuser or as its owner with createrole; "
            "may be run again."
        ]
        for name in (*self.services, *EDGES):
            one = role(name)
            lines += [
                f"do $$ begin if not exists (select from pg_roles where rolname = '{one}') then "
                f"create role {one}; end if; end $$;",
                f"alter role {one} login password '{self.password(f'database.{name}')}';",
                # Whoever is no superuser makes a schema for another role only as its member.
                "do $$ begin if not (select rolsuper from pg_roles where rolname = current_user) "
                "then "
                f"grant {one} to current_user; end if; end $$;",
                f"create schema if not exists {one} authorization {one};",
            ]
        return "\n".join(lines) + "\n"


def role(service: str) -> str:
    """A service's role in the database, and its schema."""
    return service.replace("-", "_")


def hashed(password: str) -> str:
    """As RabbitMQ keeps it: a salt of four bytes, and the SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


if __name__ == "__main__":
    main()
