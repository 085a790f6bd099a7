# Run by the Python of a Moonraker environment: the history on Moonraker's own database classes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python real_database.py SCENARIO DATABASE COMPONENTS`` prints one JSON line."""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys

sys.path.insert(0, sys.argv[3])

from moonfleet.core.jobs_record import JobRecord
from moonfleet.history import History, schema
from moonraker.components.database import SqliteProvider, SqlTableWrapper

START = 1_700_000_000.0


class Server:
    """The little of Moonraker's server that its database asks for."""

    error = RuntimeError

    def __init__(self):
        self.asyncio_loop = asyncio.get_running_loop()
        self.warnings = []

    def get_server(self):
        return self

    def get_event_loop(self):
        return self

    def add_log_rollover_item(self, *_args):
        pass

    def add_warning(self, text, *_args, **_kwargs):
        self.warnings.append(text)


class Database:
    def __init__(self, path):
        self.server = Server()
        self.db_provider = SqliteProvider(self.server, pathlib.Path(path))

    def register_table(self, definition):
        self.db_provider.register_table(definition)
        return SqlTableWrapper(self, definition)

    def get_provider_wrapper(self):
        return self.db_provider.get_provider_wapper()


def job(n, **details):
    values = {"printer": "x1c", "status": "completed", "end_time": START + n + 60.0}
    values.update(details)
    return JobRecord(job_id=f"job{n}", start_time=START + n, name=f"part {n}", **values)


async def opened(path):
    database = Database(path)
    history = History(database)
    await database.db_provider.async_init()
    await history.start()
    return database, history


async def names(history, **filters):
    return [found["name"] for found in (await history.list(**filters))["jobs"]]


async def first(path):
    database, history = await opened(path)
    history.take(job(1, filament=({"unit": None, "slot": 0, "material": "PLA"},)))
    history.take(job(2, status="in_progress", end_time=None))
    history.save_open("x1c", {"open": None, "ledger": {"number": 7}})
    answer = {
        "all": await names(history),
        "search": await names(history, search="part 1"),
        "open": await history.load_open(),
        "warnings": database.server.warnings,
    }
    await history.stop()
    await database.db_provider.stop()
    return answer


async def again(path):
    """A second process finds it; backup, a later change, and restore bring the first back."""
    database, history = await opened(path)
    backup = pathlib.Path(path).with_suffix(".backup")
    provider = database.db_provider
    await provider.execute_db_function(provider.backup_database, backup)
    history.take(job(3))
    before = await names(history)
    await provider.execute_db_function(provider.restore_database, backup)
    restored = await names(history)
    await provider.stop()
    return {"before": before, "restored": restored, "warnings": database.server.warnings}


async def upgrade(path):
    """A later version with one more column and an index; then today's version on its table."""
    today = schema.TABLES
    jobs = today[0]
    later = schema.Table(
        jobs.name,
        jobs.prototype.replace("energy REAL", "energy REAL,\n            rating INTEGER"),
        (
            *jobs.steps,
            (
                f"ALTER TABLE {jobs.name} ADD COLUMN rating INTEGER",
                f"CREATE INDEX {jobs.name}_rating ON {jobs.name} (rating)",
            ),
        ),
    )
    from moonfleet.history import journal

    journal.TABLES = (later, *today[1:])
    database, history = await opened(path)
    history.take(job(4))
    upgraded = await names(history)
    columns = await history.run(
        lambda c: [row[1] for row in c.execute(f"PRAGMA table_info({jobs.name})")]
    )
    await history.stop()
    await database.db_provider.stop()
    journal.TABLES = today
    database, history = await opened(path)
    history.take(job(5))
    downgraded = await names(history)
    await history.stop()
    await database.db_provider.stop()
    return {
        "rating": "rating" in columns,
        "upgraded": upgraded,
        "downgraded": downgraded,
        "warned": len(database.server.warnings),
    }


print(
    json.dumps(
        asyncio.run({"first": first, "again": again, "upgrade": upgrade}[sys.argv[1]](sys.argv[2]))
    )
)
