"""What a desk keeps between runs: records of JSON by name, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import Any, Mapping


class Store:
    """Records by name, in the order in which they were first saved. Safe for threads of one
    process.
    """

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, record TEXT NOT NULL)"
        )

    def get(self, name: str) -> Any:
        """A record; None where there is none."""
        with self._lock:
            row = self._file.execute("SELECT record FROM kept WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def all(self, *prefixes: str) -> dict[str, Any]:
        """The records whose names begin with one of these."""
        with self._lock:
            rows = self._file.execute("SELECT name, record FROM kept ORDER BY rowid").fetchall()
        return {name: json.loads(record) for name, record in rows if name.startswith(prefixes)}

    def save(self, changes: Mapping[str, Any]) -> None:
        """Saves all of these or none, on disk before it returns; None deletes."""
        gone = [(name,) for name, record in changes.items() if record is None]
        kept = [
            (name, json.dumps(record)) for name, record in changes.items() if record is not None
        ]
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                self._file.executemany("DELETE FROM kept WHERE name = ?", gone)
                self._file.executemany(
                    "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) "
                    "DO UPDATE SET record = excluded.record",
                    kept,
                )
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def close(self) -> None:
        self._file.close()
