# Lists of jobs: filters, order and pages, each by an index
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Query`` checks what was asked; the functions below run on the database's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..core.errors import MoonfleetError
from ..core.jobs_record import STATUSES
from .rows import COLUMNS
from .schema import JOBS, WORDS

MAX_PAGE = 1000
MAX_SEARCH = 200  # characters; a longer text is cut
MAX_WORDS = 16
_J = ", ".join(f"j.{name}" for name in COLUMNS)
EVERY = (-(2**62), 2**62)
KEY_SLACK = 2000  # ms between a row's key and its start at most


class BadQuery(MoonfleetError):
    """A parameter of a request is wrong; the message names it, its value and the remedy."""


class UnknownJob(MoonfleetError):
    status = 404


@dataclass(frozen=True)
class Query:
    """``since``: started after; ``before``: ended before (as Moonraker's own history has it)."""

    printer: Optional[str] = None
    status: Optional[str] = None
    since: Optional[float] = None
    before: Optional[float] = None
    search: Optional[str] = None
    order: str = "desc"
    start: int = 0
    limit: int = 50

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            known = ", ".join(STATUSES)
            raise BadQuery(f"status: '{str(self.status)[:40]}' is not one of {known}")
        if self.order not in ("asc", "desc"):
            raise BadQuery(f"order: '{str(self.order)[:40]}' is neither asc nor desc")
        if self.start < 0 or not 0 < self.limit <= MAX_PAGE:
            raise BadQuery(f"start must not be negative, limit must be 1 to {MAX_PAGE}")

    @property
    def words(self) -> list[str]:
        return (self.search or "")[:MAX_SEARCH].split()[:MAX_WORDS]


def select(query: Query, words: bool, window: tuple[int, int] = EVERY) -> tuple[str, list[Any]]:
    """The statement for one page; ``words``: text search by index is possible.

    ``window`` holds the keys that are looked at. The first column of the answer is the key.
    """
    low, high = window
    if query.since is not None:
        low = max(low, _key(query.since) - KEY_SLACK)
    if query.before is not None:
        high = min(high, _key(query.before) + KEY_SLACK)  # it started before it ended
    indexed = [word for word in query.words if len(word) >= 3] if words else []
    plain = [word for word in query.words if word not in indexed]
    where: list[str] = []
    values: list[Any] = []
    if indexed:
        source = f"{WORDS} w JOIN {JOBS} j ON j.id = w.rowid"
        key = "w.rowid"
        where.append(f"{WORDS} MATCH ?")
        values.append(_match(indexed, query))
    else:
        source, key = f"{JOBS} j", "j.id"
        if query.printer is not None:
            where.append("j.printer = ?")
            values.append(query.printer)
        if query.status is not None:
            where.append("j.status = ?")
            values.append(query.status)
    if (low, high) != EVERY:
        where.append(f"{key} BETWEEN ? AND ?")
        values += [low, high]
    if query.since is not None:
        where.append("j.start_time > ?")
        values.append(query.since)
    if query.before is not None:
        where.append("j.end_time < ?")
        values.append(query.before)
    for word in plain:
        text = "(" + " OR ".join(f"j.{name} LIKE ? ESCAPE '\\'" for name in _TEXTS) + ")"
        where.append(text)
        values += [_like(word)] * len(_TEXTS)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    statement = (
        f"SELECT {key}, {_J} FROM {source}{condition} "
        f"ORDER BY {key} {query.order.upper()} LIMIT ? OFFSET ?"
    )
    return statement, [*values, query.limit, query.start]


_TEXTS = ("name", "filename", "display_name", "notes", "material")


def fetch(
    connection: sqlite3.Connection, query: Query, words: bool, window: tuple[int, int] = EVERY
) -> list[Sequence[Any]]:
    statement, values = select(query, words, window)
    return [tuple(row)[1:] for row in connection.execute(statement, values)]


def needs_scan(query: Query, words: bool) -> bool:
    """A word of one or two letters is in no index: the rows have to be looked at."""
    return any(len(word) < 3 or not words for word in query.words)


def next_window(
    connection: sqlite3.Connection, query: Query, window: tuple[int, int], rows: int
) -> tuple[tuple[int, int], Optional[tuple[int, int]]]:
    """The first so many rows of ``window`` in the query's order, and the window that is left."""
    low, high = window
    edge = connection.execute(
        f"SELECT id FROM {JOBS} WHERE id BETWEEN ? AND ? ORDER BY id {query.order.upper()} "
        "LIMIT 1 OFFSET ?",
        (low, high, rows),
    ).fetchone()
    if edge is None:
        return window, None
    if query.order == "asc":
        return (low, edge[0] - 1), (edge[0], high)
    return (edge[0] + 1, high), (low, edge[0])


def fetch_behind(
    connection: sqlite3.Connection, query: Query, words: bool, behind: int
) -> tuple[int, list[Sequence[Any]]]:
    """The next page of an export, and the key it ends at."""
    statement, values = select(query, words, (behind + 1, EVERY[1]))
    rows = connection.execute(statement, values).fetchall()
    return (rows[-1][0] if rows else behind), [tuple(row)[1:] for row in rows]


def fetch_job(connection: sqlite3.Connection, job_id: str) -> Optional[Sequence[Any]]:
    row = connection.execute(f"SELECT {_J} FROM {JOBS} j WHERE j.job_id = ?", (job_id,)).fetchone()
    return None if row is None else tuple(row)


def _key(moment: float) -> int:
    bound = min(max(moment, -1e12), 1e12)
    return round(bound * 1000) if bound == bound else 0


def _match(words: list[str], query: Query) -> str:
    """An FTS5 expression; the filters are in it, so that a rare one leads the search."""
    terms = [f"words : {_quote(word)}" for word in words]
    if query.printer is not None:
        terms.append(f"tags : {_quote(f'p:{query.printer};')}")
    if query.status is not None:
        terms.append(f"tags : {_quote(f's:{query.status};')}")
    return " AND ".join(terms)


def _quote(text: str) -> str:
    return '"' + text.replace("\0", "").replace('"', '""') + '"'


def _like(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
