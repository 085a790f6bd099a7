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
_J = ", ".join(f"j.{name}" for name in COLUMNS)
_KEYS = (-(2**62), 2**62)
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
        return (self.search or "").split()[:16]


def select(query: Query, words: bool) -> tuple[str, list[Any]]:
    """The statement for one page; ``words``: text search by index is possible."""
    low, high = _KEYS
    if query.since is not None:
        low = _key(query.since) - KEY_SLACK
    if query.before is not None:
        high = _key(query.before) + KEY_SLACK  # it started before it ended
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
    if (low, high) != _KEYS:
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
        f"SELECT {_J} FROM {source}{condition} "
        f"ORDER BY {key} {query.order.upper()} LIMIT ? OFFSET ?"
    )
    return statement, [*values, query.limit, query.start]


_TEXTS = ("name", "filename", "display_name", "notes", "material")


def fetch(connection: sqlite3.Connection, query: Query, words: bool) -> list[Sequence[Any]]:
    statement, values = select(query, words)
    return [tuple(row) for row in connection.execute(statement, values)]


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
