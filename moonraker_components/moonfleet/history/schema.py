# The tables in Moonraker's database, and how older ones become today's
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker creates a table from its prototype and calls ``migrate`` when its version is older.

A newer table than ours (after a downgrade) is left alone: every statement names its columns, and
every column that a later version adds has a default. Indexes are created in ``migrate``.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import Any, Callable

logger = logging.getLogger("moonfleet")
JOBS = "moonfleet_jobs"
DAYS = "moonfleet_days"
FAULTS = "moonfleet_faults"
PRESENCE = "moonfleet_presence"
ODOMETERS = "moonfleet_odometers"
MAINTENANCE = "moonfleet_maintenance"
EVENTS = "moonfleet_events"
STATE = "moonfleet_state"
WORDS = "moonfleet_words"  # text search; not registered, made and remade from the jobs


@dataclass(frozen=True)
class Table:
    """``steps[n]`` brings version n to n + 1, on one connection, inside one transaction."""

    name: str
    prototype: str
    steps: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        return len(self.steps)


# ``id`` is the start in milliseconds (the next free one): the key that every list is ordered by,
# so that an index on any filter ends in the right order without a sort. ``estimated``: 1 start,
# 2 end, 4 status. ``material``: all of the job's, sorted, joined by "+"; '' when unknown.
TABLES = (
    Table(
        JOBS,
        f"""
        {JOBS} (
            id INTEGER PRIMARY KEY,
            job_id TEXT NOT NULL UNIQUE,
            printer TEXT NOT NULL,
            display_name TEXT,
            filename TEXT,
            name TEXT,
            status TEXT NOT NULL,
            start_time REAL NOT NULL,
            end_time REAL,
            total_duration REAL NOT NULL DEFAULT 0,
            print_duration REAL NOT NULL DEFAULT 0,
            pause_duration REAL NOT NULL DEFAULT 0,
            estimated INTEGER NOT NULL DEFAULT 0,
            progress REAL,
            layer INTEGER,
            layers INTEGER,
            filament TEXT NOT NULL DEFAULT '[]',
            material TEXT NOT NULL DEFAULT '',
            grams REAL,
            max_temperatures TEXT NOT NULL DEFAULT '{{}}',
            heatup_time REAL,
            eta_error REAL,
            forecasts TEXT NOT NULL DEFAULT '[]',
            faults TEXT NOT NULL DEFAULT '[]',
            origin TEXT,
            thumbnail TEXT,
            notes TEXT,
            missed_before INTEGER NOT NULL DEFAULT 0,
            energy REAL
        )
        """,
        (
            (
                f"CREATE INDEX IF NOT EXISTS {JOBS}_printer ON {JOBS} (printer, status)",
                f"CREATE INDEX IF NOT EXISTS {JOBS}_of ON {JOBS} (printer)",
                f"CREATE INDEX IF NOT EXISTS {JOBS}_status ON {JOBS} (status)",
                f"CREATE INDEX IF NOT EXISTS {JOBS}_total ON {JOBS} (printer, total_duration)",
                f"CREATE INDEX IF NOT EXISTS {JOBS}_print ON {JOBS} (printer, print_duration)",
                f"CREATE INDEX IF NOT EXISTS {JOBS}_ended ON {JOBS} (end_time, status, printer,"
                " material, print_duration, total_duration)",
            ),
        ),
    ),
    Table(
        DAYS,
        f"""
        {DAYS} (
            day INTEGER NOT NULL,
            printer TEXT NOT NULL,
            material TEXT NOT NULL,
            jobs INTEGER NOT NULL DEFAULT 0,
            completed INTEGER NOT NULL DEFAULT 0,
            cancelled INTEGER NOT NULL DEFAULT 0,
            error INTEGER NOT NULL DEFAULT 0,
            interrupted INTEGER NOT NULL DEFAULT 0,
            total_time REAL NOT NULL DEFAULT 0,
            print_time REAL NOT NULL DEFAULT 0,
            pause_time REAL NOT NULL DEFAULT 0,
            grams REAL NOT NULL DEFAULT 0,
            energy REAL NOT NULL DEFAULT 0,
            faults INTEGER NOT NULL DEFAULT 0,
            eta_count INTEGER NOT NULL DEFAULT 0,
            eta_error REAL NOT NULL DEFAULT 0,
            finish_count INTEGER NOT NULL DEFAULT 0,
            finish_error REAL NOT NULL DEFAULT 0,
            corrected_error REAL NOT NULL DEFAULT 0,
            PRIMARY KEY (day, printer, material)
        )
        """,
        ((),),
    ),
    Table(
        FAULTS,
        f"""
        {FAULTS} (
            day INTEGER NOT NULL,
            printer TEXT NOT NULL,
            code TEXT NOT NULL,
            count INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (day, printer, code)
        )
        """,
        ((),),
    ),
    Table(
        PRESENCE,
        f"""
        {PRESENCE} (
            day INTEGER NOT NULL,
            printer TEXT NOT NULL,
            seconds REAL NOT NULL DEFAULT 0,
            PRIMARY KEY (day, printer)
        )
        """,
        ((),),
    ),
    Table(
        ODOMETERS,
        f"""
        {ODOMETERS} (
            printer TEXT NOT NULL PRIMARY KEY,
            jobs INTEGER NOT NULL DEFAULT 0,
            total_time REAL NOT NULL DEFAULT 0,
            print_time REAL NOT NULL DEFAULT 0,
            grams REAL NOT NULL DEFAULT 0
        )
        """,
        ((),),
    ),
    Table(
        MAINTENANCE,
        f"""
        {MAINTENANCE} (
            printer TEXT NOT NULL,
            counter TEXT NOT NULL,
            unit TEXT NOT NULL,
            threshold REAL,
            base REAL NOT NULL DEFAULT 0,
            reset_time REAL,
            told INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (printer, counter)
        )
        """,
        ((),),
    ),
    Table(
        EVENTS,
        f"""
        {EVENTS} (
            id INTEGER PRIMARY KEY,
            time REAL NOT NULL,
            type TEXT NOT NULL,
            printer TEXT NOT NULL,
            details TEXT NOT NULL DEFAULT '{{}}'
        )
        """,
        ((f"CREATE INDEX IF NOT EXISTS {EVENTS}_printer ON {EVENTS} (printer)",),),
    ),
    Table(
        STATE,
        f"""
        {STATE} (
            key TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        )
        """,
        ((),),
    ),
)


def migrate(table: Table, last_version: int, connection: sqlite3.Connection) -> None:
    """From ``last_version`` (0: just created) to today's, all or nothing."""
    with connection:
        for statements in table.steps[max(0, last_version) :]:
            for statement in statements:
                connection.execute(statement)


def definition(base: type, table: Table) -> Any:
    """An instance of a subclass of Moonraker's ``SqlTableDefinition`` (``base``)."""

    def step(_self: Any, last_version: int, provider: Any) -> None:
        migrate(table, last_version, provider.connection)

    members = {
        "name": table.name,
        "prototype": table.prototype,
        "version": table.version,
        "migrate": step,
    }
    made: Callable[[], Any] = type(base)(f"{table.name}_definition", (base,), members)
    return made()


def make_words(connection: sqlite3.Connection) -> bool:
    """Whether text search by index works here (SQLite 3.34 with FTS5); made anew when missing."""
    try:
        connection.execute(f"SELECT rowid FROM {WORDS} LIMIT 1").fetchone()
        return True
    except sqlite3.Error:
        pass  # absent, or this SQLite cannot read it: try to make it
    try:
        with connection:
            connection.execute(
                f"CREATE VIRTUAL TABLE {WORDS} USING fts5(words, tags, tokenize='trigram')"
            )
        return True
    except sqlite3.Error as error:
        logger.info("moonfleet: text search without an index: %s", error)
        return False
