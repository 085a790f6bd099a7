# Maintenance counters: what a printer has run since its nozzle was changed
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A counter reads an odometer from where it was last reset; a threshold is told once.

``unit`` is what it counts: ``print_time`` and ``total_time`` in seconds, ``jobs``, ``grams``, or
``days`` of the calendar. Odometers only grow; deleting a job does not turn them back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .query import BadQuery
from .schema import MAINTENANCE, ODOMETERS

UNITS = ("print_time", "total_time", "jobs", "grams", "days")
DAY = 86400.0


@dataclass(frozen=True)
class Counter:
    """One configured counter of one printer."""

    printer: str
    name: str
    unit: str
    threshold: Optional[float] = None

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise BadQuery(f"unit: '{str(self.unit)[:40]}' is not one of {', '.join(UNITS)}")


def configure(connection: sqlite3.Connection, counters: Sequence[Counter], now: float) -> None:
    """Begin new counters at today's reading; a changed threshold may be told again."""
    wanted = {(one.printer, one.name): one for one in counters}
    known = {
        (row[0], row[1]): (row[2], row[3])
        for row in connection.execute(
            f"SELECT printer, counter, unit, threshold FROM {MAINTENANCE}"
        )
    }
    for key in known.keys() - wanted.keys():
        connection.execute(f"DELETE FROM {MAINTENANCE} WHERE printer = ? AND counter = ?", key)
    for key, one in wanted.items():
        if key not in known or known[key][0] != one.unit:
            base = _reading(connection, one.printer, one.unit, now)
            connection.execute(
                f"REPLACE INTO {MAINTENANCE} "
                "(printer, counter, unit, threshold, base, reset_time, told) "
                "VALUES (?, ?, ?, ?, ?, ?, 0)",
                (*key, one.unit, one.threshold, base, now),
            )
        elif known[key][1] != one.threshold:
            connection.execute(
                f"UPDATE {MAINTENANCE} SET threshold = ?, told = 0 "
                "WHERE printer = ? AND counter = ?",
                (one.threshold, *key),
            )


def counters(
    connection: sqlite3.Connection, printer: Optional[str], now: float
) -> list[dict[str, Any]]:
    only, values = ("", []) if printer is None else (" WHERE printer = ?", [printer])
    rows = connection.execute(
        "SELECT printer, counter, unit, threshold, base, reset_time, told "
        f"FROM {MAINTENANCE}{only} ORDER BY printer, counter",
        values,
    ).fetchall()
    found = []
    for name, counter, unit, threshold, base, reset_time, told in rows:
        value = max(0.0, _reading(connection, name, unit, now) - base)
        found.append(
            {
                "printer": name,
                "counter": counter,
                "unit": unit,
                "value": value,
                "threshold": threshold,
                "due": threshold is not None and value >= threshold,
                "reset_time": reset_time,
                "told": bool(told),
            }
        )
    return found


def reset(connection: sqlite3.Connection, printer: str, counter: str, now: float) -> bool:
    row = connection.execute(
        f"SELECT unit FROM {MAINTENANCE} WHERE printer = ? AND counter = ?", (printer, counter)
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        f"UPDATE {MAINTENANCE} SET base = ?, reset_time = ?, told = 0 "
        "WHERE printer = ? AND counter = ?",
        (_reading(connection, printer, row[0], now), now, printer, counter),
    )
    return True


def newly_due(connection: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    """Counters over their threshold that nobody was told of; they count as told from here on."""
    due = [one for one in counters(connection, None, now) if one["due"] and not one["told"]]
    for one in due:
        connection.execute(
            f"UPDATE {MAINTENANCE} SET told = 1 WHERE printer = ? AND counter = ?",
            (one["printer"], one["counter"]),
        )
    return due


def _reading(connection: sqlite3.Connection, printer: str, unit: str, now: float) -> float:
    if unit == "days":
        return now / DAY
    if unit not in UNITS:
        return 0.0
    row = connection.execute(
        f"SELECT {unit} FROM {ODOMETERS} WHERE printer = ?", (printer,)
    ).fetchone()
    return float(row[0]) if row is not None else 0.0
