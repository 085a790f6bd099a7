# What a period adds up to, read in parts so that nobody waits for the database
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A period is ``since <= end of the job < before``.

Whole days come from the roll-ups, the days at its two ends from the jobs themselves, so that any
period is exact. ``gather`` runs on the database's thread, for one part of at most ``PART`` days.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..core.jobs_record import IN_PROGRESS
from .rows import AT, COLUMNS, faults_of, from_json
from .schema import DAYS, FAULTS, JOBS, PRESENCE
from .writer import SUMS, day_of, day_values

PART = 60  # days read at once
LONGEST = 200 * 366  # days in a period; more than any clock has seen


def day_start(day: int) -> float:
    """Unix time of local midnight."""
    try:
        date = datetime.date.fromordinal(day)
        return datetime.datetime(date.year, date.month, date.day).timestamp()
    except (OverflowError, OSError, ValueError):
        return 0.0


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

    def parts(self) -> Iterator[Period]:
        """Cut at local midnights."""
        first, end = self.whole
        cuts = [day_start(day) for day in range(first + PART, min(end, first + LONGEST), PART)]
        edges = [self.since, *cuts, self.before]
        for low, high in zip(edges, edges[1:]):
            if low < high:
                yield Period(low, high)


@dataclass
class Gathered:
    """Sums by (printer, material), faults by (printer, code), and what else the rows say."""

    sums: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    faults: dict[tuple[str, str], int] = field(default_factory=dict)
    days: dict[int, list[float]] = field(default_factory=dict)  # jobs, completed, print_time, grams
    # (printer, material, duration) of the completed ones
    prints: list[tuple[str, str, float]] = field(default_factory=list)
    connected: dict[str, float] = field(default_factory=dict)  # printer -> seconds online

    def add(self, other: Gathered) -> None:
        for key, values in other.sums.items():
            _add(self.sums, key, values)
        for day, values in other.days.items():
            _add(self.days, day, values)
        for pair, count in other.faults.items():
            self.faults[pair] = self.faults.get(pair, 0) + count
        self.prints += other.prints
        for printer, seconds in other.connected.items():
            self.connected[printer] = self.connected.get(printer, 0.0) + seconds

    def of(self, printer: Optional[str] = None, material: Optional[str] = None) -> dict[str, float]:
        total = [0.0] * len(SUMS)
        for (one, stuff), values in self.sums.items():
            if printer in (None, one) and material in (None, stuff):
                total = [a + b for a, b in zip(total, values)]
        return dict(zip(SUMS, total))


def _add(table: dict[Any, list[float]], key: Any, values: Sequence[float]) -> None:
    known = table.setdefault(key, [0.0] * len(values))
    for place, value in enumerate(values):
        known[place] += value or 0


def gather(connection: sqlite3.Connection, part: Period, printer: Optional[str]) -> Gathered:
    found = Gathered()
    first, end = part.whole
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    span = f"WHERE day >= ? AND day < ?{only}"
    if first < end:
        bounds = [first, end, *values]
        columns = ", ".join(f"SUM({name})" for name in SUMS)
        for row in connection.execute(
            f"SELECT printer, material, {columns} FROM {DAYS} {span} GROUP BY printer, material",
            bounds,
        ):
            _add(found.sums, (row[0], row[1]), tuple(row)[2:])
        for row in connection.execute(
            "SELECT day, SUM(jobs), SUM(completed), SUM(print_time), SUM(grams) "
            f"FROM {DAYS} {span} GROUP BY day",
            bounds,
        ):
            _add(found.days, row[0], tuple(row)[1:])
        for name, code, count in connection.execute(
            f"SELECT printer, code, SUM(count) FROM {FAULTS} {span} GROUP BY printer, code", bounds
        ):
            found.faults[name, code] = count
    for low, high in part.edges():
        for row in connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {JOBS} INDEXED BY {JOBS}_ended "
            f"WHERE end_time >= ? AND end_time < ? AND status <> '{IN_PROGRESS}'{only}",
            [low, high, *values],
        ):
            _count(found, tuple(row))
    found.prints = [
        tuple(row)
        for row in connection.execute(
            f"SELECT printer, material, print_duration FROM {JOBS} INDEXED BY {JOBS}_ended "
            f"WHERE end_time >= ? AND end_time < ? AND status = 'completed'{only}",
            [part.since, part.before, *values],
        )
    ]
    found.connected = _connected(connection, part, only, values)
    return found


def _count(found: Gathered, row: Sequence[Any]) -> None:
    _add(found.sums, (row[AT["printer"]], row[AT["material"]]), day_values(row))
    done = int(row[AT["status"]] == "completed")
    day = (1, done, row[AT["print_duration"]], row[AT["grams"]] or 0.0)
    _add(found.days, day_of(row[AT["end_time"]]), day)
    for code in faults_of(row):
        pair = row[AT["printer"]], code
        found.faults[pair] = found.faults.get(pair, 0) + 1


def count_job(found: Gathered, period: Period, job: Mapping[str, Any]) -> None:
    """A Job of the contract that is in no table of ours."""
    row = from_json(job)
    end = row[AT["end_time"]]
    if end is None or not period.since <= end < period.before or job["status"] == IN_PROGRESS:
        return
    _count(found, row)
    if job["status"] == "completed":
        found.prints.append((row[AT["printer"]], row[AT["material"]], row[AT["print_duration"]]))


def _connected(
    connection: sqlite3.Connection, part: Period, only: str, values: list[Any]
) -> dict[str, float]:
    """Seconds online; kept by day, so the days at the ends of a period count by their share."""
    total: dict[str, float] = {}
    for day, name, seconds in connection.execute(
        f"SELECT day, printer, seconds FROM {PRESENCE} WHERE day >= ? AND day <= ?{only}",
        [day_of(part.since), day_of(part.before), *values],
    ):
        low, high = day_start(day), day_start(day + 1)
        inside = min(high, part.before) - max(low, part.since)
        share = min(1.0, max(0.0, inside / (high - low)))
        total[name] = total.get(name, 0.0) + seconds * share
    return total


def ever(connection: sqlite3.Connection, printer: Optional[str]) -> dict[str, float]:
    """Sums of all that is remembered: the roll-up of day 0."""
    only, values = ("", []) if printer is None else (" AND printer = ?", [printer])
    columns = ", ".join(f"SUM({name})" for name in SUMS)
    row = connection.execute(f"SELECT {columns} FROM {DAYS} WHERE day = 0{only}", values).fetchone()
    return {name: value or 0.0 for name, value in zip(SUMS, tuple(row))}


def longest_ever(connection: sqlite3.Connection, printer: Optional[str]) -> tuple[float, float]:
    """(longest job, longest print) of all ended jobs."""
    names = [printer]
    if printer is None:
        found = connection.execute(f"SELECT DISTINCT printer FROM {DAYS} WHERE day = 0")
        names = [row[0] for row in found]
    longest = [0.0, 0.0]
    for name in names:
        for place, column in enumerate(("total_duration", "print_duration")):
            row = connection.execute(
                f"SELECT {column} FROM {JOBS} WHERE printer = ? AND status <> '{IN_PROGRESS}' "
                f"ORDER BY {column} DESC LIMIT 1",
                [name],
            ).fetchone()
            longest[place] = max(longest[place], row[0] if row is not None else 0.0)
    return longest[0], longest[1]
