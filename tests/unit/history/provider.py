# Moonraker's database as far as the history uses it, on a plain SQLite file
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One connection on one thread, futures resolved in the loop, tables by definition objects.

tests/moonraker holds the same history against the real thing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import pathlib
import sqlite3
from typing import Any, Callable, Optional


class TableDefinition:
    """Stands in for ``moonraker.common.SqlTableDefinition``."""

    name = ""
    prototype = ""
    version = 0


class Provider:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection


class Table:
    def __init__(self, database: Database) -> None:
        self._database = database

    def queue_callback(self, callback: Callable[[sqlite3.Connection], Any]) -> asyncio.Future:
        return self._database.queue(callback)


class Database:
    def __init__(self, path: pathlib.Path) -> None:
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self.path = path
        self.connection = self._thread.submit(self._connect).result()
        self.longest = 0.0  # seconds that one callback held the thread
        self.commits = 0
        self.fault: Optional[Exception] = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(self.path), timeout=1.0, detect_types=sqlite3.PARSE_DECLTYPES
        )
        connection.row_factory = sqlite3.Row
        connection.execute(
            "CREATE TABLE IF NOT EXISTS registered (name TEXT PRIMARY KEY, version INT)"
        )
        return connection

    def register_table(self, definition: Any) -> Table:
        self._thread.submit(self._register, definition).result()
        return Table(self)

    def _register(self, definition: Any) -> None:
        connection = self.connection
        row = connection.execute(
            "SELECT version FROM registered WHERE name = ?", (definition.name,)
        ).fetchone()
        version = 0 if row is None else row[0]
        if row is None:
            with connection:
                connection.execute(f"CREATE TABLE {inspect.cleandoc(definition.prototype)}")
        if definition.version > version:
            definition.migrate(version, Provider(connection))
            with connection:
                connection.execute(
                    "REPLACE INTO registered VALUES (?, ?)", (definition.name, definition.version)
                )

    def queue(self, callback: Callable[[sqlite3.Connection], Any]) -> asyncio.Future:
        return asyncio.wrap_future(self._thread.submit(self._call, callback))

    def _call(self, callback: Callable[[sqlite3.Connection], Any]) -> Any:
        if self.fault is not None:
            raise self.fault
        before = self.connection.total_changes
        result = callback(self.connection)
        self.commits += self.connection.total_changes != before
        return result

    def close(self) -> None:
        self._thread.submit(self.connection.close).result()
        self._thread.shutdown()
