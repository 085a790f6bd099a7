# Totals and statistics: sums from daily roll-ups, medians from indexed rows
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Functions on the database's thread. A period is ``since <= end of the job < before``.

Whole days come from the roll-ups, the days at its two ends from the jobs themselves, so that any
period is exact. Every number is recomputed from raw rows in the tests.
"""

from __future__ import annotations

import datetime
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Optional

from ..core.jobs_record import IN_PROGRESS
from .rows import AT, COLUMNS, faults_of
from .schema import DAYS, FAULTS, JOBS, PRESENCE
from .writer import SUMS, day_of, day_values

FREQUENT = 10  # fault codes named
EVER = (-1e11, 1e11)


@dataclass(frozen=True)
class Period:
    """Seconds, and the whole local days inside: ``first_day <= day < end_day``."""

    since: float
    before: float

    @property
    def whole(self) -> tuple[int, int]:
        first = day_of(self.since)
        if day_start(first) < self.since:
            first += 1
        return first, max(first, day_of(self.before))

    def edges(self) -> list[tuple[float, float]]:
        """What the whole days leave over at either end."""
        first, end = self.whole
        if first >= end:
            return [(self.since, self.before)]
        edges = [(self.since, day_start(first)), (day_start(end), self.before)]
        return [(low, high) for low, high in edges if low < high]


def day_start(day: int) -> float:
    try:
        date = datetime.date.fromordinal(day)
        return datetime.datetime(date.year, date.month, date.day).timestamp()
    except (OverflowError, OSError, ValueError):
        return EVER[0] if day < 1000 else EVER[1]


@dataclass
class Sums:
    """Added up by printer and material."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, printer: str, material: str, values: Any) -> None:
        known = self.values.setdefault((printer, material), [0.0] * len(SUMS))
        for place, value in enumerate(values):
            known[place] += value or 0

    def of(self, printer: Optional[str] = None, material: Optional[str] = None) -> dict[str, float]:
        total = [0.0] * len(SUMS)
        for (one, stuff), values in self.values.items():
            if printer in (None, one) and material in (None, stuff):
                total = [a + b for a, b in zip(total, values)]
        return dict(zip(SUMS, total))


def sums(connection: sqlite3.Connection, period: Period, printer: Optional[str]) -> Sums:
    found = Sums()
    first, end = period.whole
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    if first < end:
        columns = ", ".join(f"SUM({name})" for name in SUMS)
        for row in connection.execute(
            f"SELECT printer, material, {columns} FROM {DAYS} WHERE day >= ? AND day < ?{only} "
            "GROUP BY printer, material",
            [first, end, *values],
        ):
            found.add(row[0], row[1], tuple(row)[2:])
    for row in _raw(connection, period, printer):
        found.add(row[AT["printer"]], row[AT["material"]], day_values(row))
    return found


def _raw(connection: sqlite3.Connection, period: Period, printer: Optional[str]) -> list[Any]:
    """The ended jobs in the parts of days at the ends of the period."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    rows: list[Any] = []
    for low, high in period.edges():
        rows += connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {JOBS} WHERE end_time >= ? AND end_time < ? "
            f"AND status <> '{IN_PROGRESS}'{only}",
            [low, high, *values],
        ).fetchall()
    return [tuple(row) for row in rows]


def fault_counts(
    connection: sqlite3.Connection, period: Period, printer: Optional[str]
) -> dict[str, int]:
    first, end = period.whole
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    counts: dict[str, int] = {}
    if first < end:
        for code, count in connection.execute(
            f"SELECT code, SUM(count) FROM {FAULTS} WHERE day >= ? AND day < ?{only} GROUP BY code",
            [first, end, *values],
        ):
            counts[code] = count
    for row in _raw(connection, period, printer):
        for code in faults_of(row):
            counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:FREQUENT])


def spread(
    connection: sqlite3.Connection, period: Period, printer: Optional[str]
) -> dict[str, Optional[float]]:
    """Median, mean and longest of the completed prints, read from one index."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    durations = sorted(
        row[0]
        for row in connection.execute(
            f"SELECT print_duration FROM {JOBS} INDEXED BY {JOBS}_ended WHERE end_time >= ? "
            f"AND end_time < ? AND status = 'completed'{only}",
            [period.since, period.before, *values],
        )
    )
    if not durations:
        return {"longest": None, "mean": None, "median": None}
    middle = len(durations) // 2
    even = len(durations) % 2 == 0
    return {
        "longest": durations[-1],
        "mean": sum(durations) / len(durations),
        "median": (durations[middle - 1] + durations[middle]) / 2 if even else durations[middle],
    }


def connected(connection: sqlite3.Connection, period: Period, printer: Optional[str]) -> float:
    """Seconds online; kept by day, so the days at the ends of a period count by their share."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    total = 0.0
    for day, seconds in connection.execute(
        f"SELECT day, SUM(seconds) FROM {PRESENCE} WHERE day >= ? AND day <= ?{only} GROUP BY day",
        [day_of(period.since), day_of(period.before), *values],
    ):
        low, high = day_start(day), day_start(day + 1)
        inside = min(high, period.before) - max(low, period.since)
        total += seconds * min(1.0, max(0.0, inside / (high - low)))
    return total


def trend(connection: sqlite3.Connection, period: Period, printer: Optional[str]) -> list[Any]:
    """(day, jobs, completed, print_time, grams) of every whole or partial day with a job."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    rows: dict[int, list[float]] = {}
    first, end = period.whole
    for day, *numbers in connection.execute(
        f"SELECT day, SUM(jobs), SUM(completed), SUM(print_time), SUM(grams) FROM {DAYS} "
        f"WHERE day >= ? AND day < ?{only} GROUP BY day",
        [first, end, *values],
    ):
        rows[day] = list(numbers)
    for row in _raw(connection, period, printer):
        known = rows.setdefault(day_of(row[AT["end_time"]]), [0, 0, 0.0, 0.0])
        done = int(row[AT["status"]] == "completed")
        for place, value in enumerate((1, done, row[AT["print_duration"]], row[AT["grams"]] or 0)):
            known[place] += value
    return [(day, *rows[day]) for day in sorted(rows)]


def longest_ever(connection: sqlite3.Connection, printer: Optional[str]) -> tuple[float, float]:
    """(longest job, longest print) of all ended jobs, from one index."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    row = connection.execute(
        f"SELECT MAX(total_duration), MAX(print_duration) FROM {JOBS} INDEXED BY {JOBS}_ended "
        f"WHERE end_time IS NOT NULL{only}",
        values,
    ).fetchone()
    return row[0] or 0.0, row[1] or 0.0
