# Everything that is written: jobs with their daily sums, in one transaction
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Functions on the database's own thread and connection.

``atomic`` wraps one unit of work. Moonraker's components share the connection, so ours is a
savepoint: a failure takes back our statements and nobody else's.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Optional, TypeVar

from ..core.jobs_record import IN_PROGRESS, OUTCOMES, JobRecord
from .rows import AT, COLUMNS, faults_of, finish_errors, to_row
from .schema import DAYS, EVENTS, FAULTS, JOBS, ODOMETERS, PRESENCE, STATE, WORDS

T = TypeVar("T")
Row = Sequence[Any]
_NAMES = ", ".join(COLUMNS)
_MARKS = ", ".join("?" * len(COLUMNS))
SUMS = (
    "jobs",
    *OUTCOMES,
    "total_time",
    "print_time",
    "pause_time",
    "grams",
    "energy",
    "faults",
    "eta_count",
    "eta_error",
    "finish_count",
    "finish_error",
    "corrected_error",
)
_ADD_DAY = (
    f"INSERT INTO {DAYS} (day, printer, material, {', '.join(SUMS)}) "
    f"VALUES (?, ?, ?, {', '.join('?' * len(SUMS))}) "
    "ON CONFLICT (day, printer, material) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
)
MAX_EVENTS = 5000


def atomic(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("SAVEPOINT moonfleet")
    try:
        result = work(connection)
    except BaseException:
        connection.execute("ROLLBACK TO moonfleet")
        connection.execute("RELEASE moonfleet")
        raise
    connection.execute("RELEASE moonfleet")
    connection.commit()
    return result


def day_of(moment: float) -> int:
    """The local calendar day, as a count of days."""
    try:
        return datetime.date.fromtimestamp(moment).toordinal()
    except (OverflowError, OSError, ValueError):
        return 1


# ---- jobs -----------------------------------------------------------------------------------


def put_job(connection: sqlite3.Connection, record: JobRecord, words: bool) -> None:
    """Insert or replace one job; sums and odometers follow by the difference."""
    row: Row = to_row(record)
    found = connection.execute(
        f"SELECT id, {_NAMES} FROM {JOBS} WHERE job_id = ?", (record.job_id,)
    ).fetchone()
    key = round(record.start_time * 1000)
    if found is None:
        key = _free_key(connection, key)
        connection.execute(f"INSERT INTO {JOBS} (id, {_NAMES}) VALUES (?, {_MARKS})", (key, *row))
        old: Optional[Row] = None
    else:
        old_key, old = found[0], tuple(found)[1:]
        row = _keep_known(row, old)
        # a corrected clock moves the start, and with it the place in every list
        moved = abs(old_key - key) > 1000
        key = _free_key(connection, key) if moved else old_key
        settings = ", ".join(f"{name} = ?" for name in COLUMNS)
        connection.execute(
            f"UPDATE {JOBS} SET id = ?, {settings} WHERE id = ?", (key, *row, old_key)
        )
        if words and (moved or _search_text(old) != _search_text(row)):
            connection.execute(f"DELETE FROM {WORDS} WHERE rowid = ?", (old_key,))
        else:
            words = False
        _count(connection, old, -1)
    if words:
        _index(connection, key, row)
    _count(connection, row, 1)
    _odometer(connection, old, row)


def _keep_known(row: Row, old: Row) -> Row:
    """What was added to the row by others stays when the tracker does not know it."""
    kept = ("display_name", "notes", "thumbnail", "energy", "eta_error")
    values = list(row)
    for name in kept:
        if values[AT[name]] is None:
            values[AT[name]] = old[AT[name]]
    return tuple(values)


def _free_key(connection: sqlite3.Connection, key: int) -> int:
    while connection.execute(f"SELECT 1 FROM {JOBS} WHERE id = ?", (key,)).fetchone():
        key += 1
    return key


def delete_job(connection: sqlite3.Connection, job_id: str, words: bool) -> bool:
    """Odometers stay: the printer has run, whether or not the job is remembered."""
    found = connection.execute(
        f"SELECT id, {_NAMES} FROM {JOBS} WHERE job_id = ?", (job_id,)
    ).fetchone()
    if found is None:
        return False
    connection.execute(f"DELETE FROM {JOBS} WHERE id = ?", (found[0],))
    if words:
        connection.execute(f"DELETE FROM {WORDS} WHERE rowid = ?", (found[0],))
    _count(connection, tuple(found)[1:], -1)
    return True


def set_notes(
    connection: sqlite3.Connection, job_id: str, notes: Optional[str], words: bool
) -> bool:
    """What a person wrote about a job; it can be searched for."""
    found = connection.execute(
        f"SELECT id, {_NAMES} FROM {JOBS} WHERE job_id = ?", (job_id,)
    ).fetchone()
    if found is None:
        return False
    key, row = found[0], [*tuple(found)[1:]]
    row[AT["notes"]] = notes
    connection.execute(f"UPDATE {JOBS} SET notes = ? WHERE id = ?", (notes, key))
    if words:
        connection.execute(f"DELETE FROM {WORDS} WHERE rowid = ?", (key,))
        _index(connection, key, row)
    return True


def _count(connection: sqlite3.Connection, row: Row, sign: int) -> None:
    """Add an ended job to the sums of its day, or take it out again."""
    status = row[AT["status"]]
    if status == IN_PROGRESS or row[AT["end_time"]] is None:
        return
    day, printer = day_of(row[AT["end_time"]]), row[AT["printer"]]
    signed = tuple(sign * value for value in day_values(row))
    for one in (0, day):  # day 0 is the sum of all days
        connection.execute(_ADD_DAY, (one, printer, row[AT["material"]], *signed))
    for code in faults_of(row):
        connection.execute(
            f"INSERT INTO {FAULTS} (day, printer, code, count) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (day, printer, code) DO UPDATE SET count = count + excluded.count",
            (day, printer, code, sign),
        )
    if sign < 0:
        where = "day IN (0, ?) AND printer = ?"
        connection.execute(f"DELETE FROM {DAYS} WHERE {where} AND jobs = 0", (day, printer))
        connection.execute(f"DELETE FROM {FAULTS} WHERE {where} AND count = 0", (day, printer))


def day_values(row: Row) -> tuple[float, ...]:
    """What one ended job adds to the sums of its day, in the order of ``SUMS``."""
    status, eta, late = row[AT["status"]], row[AT["eta_error"]], finish_errors(row)
    return (
        1,
        *(int(status == outcome) for outcome in OUTCOMES),
        row[AT["total_duration"]],
        row[AT["print_duration"]],
        row[AT["pause_duration"]],
        row[AT["grams"]] or 0.0,
        row[AT["energy"]] or 0.0,
        len(faults_of(row)),
        int(eta is not None),
        abs(eta or 0.0),
        int(late is not None),
        abs(late[0]) if late is not None else 0.0,
        abs(late[1]) if late is not None else 0.0,
    )


def _odometer(connection: sqlite3.Connection, old: Optional[Row], new: Row) -> None:
    before, after = _run(old), _run(new)
    if before == after:
        return
    connection.execute(
        f"INSERT INTO {ODOMETERS} (printer, jobs, total_time, print_time, grams) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (printer) DO UPDATE SET jobs = jobs + excluded.jobs, "
        "total_time = total_time + excluded.total_time, "
        "print_time = print_time + excluded.print_time, grams = grams + excluded.grams",
        (new[AT["printer"]], *(a - b for a, b in zip(after, before))),
    )


def _run(row: Optional[Row]) -> tuple[float, ...]:
    if row is None or row[AT["status"]] == IN_PROGRESS:
        return (0, 0.0, 0.0, 0.0)
    return (
        1,
        row[AT["total_duration"]],
        row[AT["print_duration"]],
        row[AT["grams"]] or 0.0,
    )


# ---- text search ----------------------------------------------------------------------------


def _search_text(row: Row) -> tuple[str, str]:
    said = [row[AT[name]] for name in ("name", "filename", "display_name", "notes", "material")]
    unique = list(dict.fromkeys(text for text in said if text))
    return "\n".join(unique), f"p:{row[AT['printer']]}; s:{row[AT['status']]};"


def _index(connection: sqlite3.Connection, key: int, row: Row) -> None:
    connection.execute(
        f"INSERT INTO {WORDS} (rowid, words, tags) VALUES (?, ?, ?)", (key, *_search_text(row))
    )


def reindex(connection: sqlite3.Connection, after: int, limit: int) -> Optional[int]:
    """Index the next jobs behind ``after``; the last key done, or None at the end."""
    rows = connection.execute(
        f"SELECT id, {_NAMES} FROM {JOBS} WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
    ).fetchall()
    for found in rows:
        connection.execute(f"DELETE FROM {WORDS} WHERE rowid = ?", (found[0],))
        _index(connection, found[0], tuple(found)[1:])
    return int(rows[-1][0]) if rows else None


# ---- the rest -------------------------------------------------------------------------------


def put_state(connection: sqlite3.Connection, key: str, value: Optional[str]) -> None:
    if value is None:
        connection.execute(f"DELETE FROM {STATE} WHERE key = ?", (key,))
    else:
        connection.execute(f"REPLACE INTO {STATE} (key, value) VALUES (?, ?)", (key, value))


def put_events(connection: sqlite3.Connection, events: Iterable[Mapping[str, Any]]) -> None:
    last = 0
    for event in events:
        details = {k: v for k, v in event.items() if k not in ("id", "time", "type", "printer")}
        last = int(event["id"])
        connection.execute(
            f"REPLACE INTO {EVENTS} (id, time, type, printer, details) VALUES (?, ?, ?, ?, ?)",
            (
                last,
                event["time"],
                event["type"],
                event["printer"],
                json.dumps(details, default=str),
            ),
        )
    connection.execute(f"DELETE FROM {EVENTS} WHERE id <= ?", (last - MAX_EVENTS,))


def put_presence(connection: sqlite3.Connection, day: int, printer: str, seconds: float) -> None:
    connection.execute(
        f"INSERT INTO {PRESENCE} (day, printer, seconds) VALUES (?, ?, ?) "
        "ON CONFLICT (day, printer) DO UPDATE SET seconds = seconds + excluded.seconds",
        (day, printer, seconds),
    )


def no_words(connection: sqlite3.Connection) -> bool:
    return connection.execute(f"SELECT rowid FROM {WORDS} LIMIT 1").fetchone() is None
