# The history as the rest of the house sees it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``History(database)`` in the component's ``__init__``, ``start`` later, ``stop`` in ``on_exit``.

Writing is in ``journal``; this is where questions are answered. An answer contains everything that
was handed in before it was asked for.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from ..core.finish import FinishSample
from . import events, export, maintenance, statistics, sums, writer
from .journal import Journal
from .query import (
    EVERY,
    MAX_PAGE,
    BadQuery,
    Query,
    UnknownJob,
    fetch,
    fetch_behind,
    fetch_job,
    needs_scan,
    next_window,
)
from .rows import clean, finish_samples, to_json

TURN = 0.008  # s that a search without an index keeps the database at once
PIECE = 100  # jobs read at once for an export
YEAR = 365 * 86400.0
MAX_TIME = 1e11  # s; beyond every calendar


Rows = list[dict[str, Any]]
Samples = list[FinishSample]


class History(Journal):
    prices = statistics.FREE  # configured; replaced as a whole

    # ---- questions --------------------------------------------------------------------------

    async def list(
        self,
        printer: Optional[str] = None,
        status: Optional[str] = None,
        since: Optional[float] = None,
        before: Optional[float] = None,
        search: Optional[str] = None,
        order: str = "desc",
        start: int = 0,
        limit: int = 50,
    ) -> dict[str, Any]:
        """``{"count", "jobs": [Job]}``, newest first unless ``order`` is asc."""
        query = Query(printer, status, since, before, search, order.lower(), start, limit)
        await self._settle()
        if needs_scan(query, self._words):
            rows = await self._scan(query)
        else:
            rows = await self.run(lambda c: fetch(c, query, self._words))
        return {"count": len(rows), "jobs": [to_json(row) for row in rows]}

    async def job(self, job_id: str) -> dict[str, Any]:
        """One Job, or ``UnknownJob``."""
        await self._settle()
        row = await self.run(lambda c: fetch_job(c, job_id))
        if row is None:
            raise UnknownJob(f"job_id: no job '{str(job_id)[:60]}' in the history")
        return to_json(row)

    async def export(self, form: str = "csv", **filters: Any) -> AsyncIterator[str]:
        """Pieces of a file, oldest job first; ``filters`` as of ``list``."""
        if form not in export.FORMATS:
            raise BadQuery(f"format: '{str(form)[:40]}' is neither csv nor jsonl")
        query = Query(**filters, order="asc", limit=PIECE)
        await self._settle()
        yield export.header(form)
        behind: Optional[int] = -(2**62)
        while behind is not None:
            last = behind
            key, rows = await self.run(
                lambda c: fetch_behind(c, query, self._words, last)  # noqa: B023
            )
            yield "".join(export.line(form, to_json(row)) for row in rows)
            behind = key if rows else None

    async def delete(self, job_id: str) -> dict[str, Any]:
        """Forget one job, with its sums; what the printer has run stays on its odometer."""
        await self._settle()
        gone = await self.run(
            lambda c: writer.atomic(c, lambda d: writer.delete_job(d, job_id, self._words))
        )
        if not gone:
            raise UnknownJob(f"job_id: no job '{str(job_id)[:60]}' in the history")
        return {"deleted_jobs": [job_id]}

    async def note(self, job_id: str, notes: str) -> dict[str, Any]:
        """Write about a job, or with an empty text erase what was written; the Job."""
        kept = clean(notes)
        await self._settle()
        if not await self.run(
            lambda c: writer.atomic(c, lambda d: writer.set_notes(d, job_id, kept, self._words))
        ):
            raise UnknownJob(f"job_id: no job '{str(job_id)[:60]}' in the history")
        return await self.job(job_id)

    async def virtual_totals(self, printer: Optional[str] = None) -> dict[str, Any]:
        """``job_totals`` as Moonraker's own history has them."""
        await self._settle()
        return await self.run(lambda c: statistics.totals(c, printer))

    async def totals(self, printer: Optional[str] = None) -> dict[str, Any]:
        """Sums of what is remembered, and odometers, which deleting a job does not turn back."""
        whole = await self.virtual_totals(printer)
        meters = await self.run(statistics.odometers)
        if printer is not None:
            meters = {name: meter for name, meter in meters.items() if name == printer}
        return {"job_totals": whole, "odometers": meters}

    async def statistics(
        self,
        printer: Optional[str] = None,
        since: Optional[float] = None,
        before: Optional[float] = None,
        others: Iterable[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """docs/history.md lists every figure; the last 365 days unless told otherwise.

        ``others`` are Jobs that live elsewhere (the local Klipper's) and count as well.
        """
        before = time.time() if before is None else before
        since = before - YEAR if since is None else since
        if not -MAX_TIME < since <= before < MAX_TIME:
            raise BadQuery("since and before: a period begins before it ends, in Unix seconds")
        await self._settle()
        period, found = sums.Period(since, before), sums.Gathered()
        for part in period.parts():
            found.add(await self.run(lambda c: sums.gather(c, part, printer)))  # noqa: B023
        for job in others:
            sums.count_job(found, period, job)
        return statistics.statistics(period, found, self.prices)

    # ---- events and maintenance -------------------------------------------------------------

    async def events(
        self, printer: Optional[str] = None, since: Optional[float] = None, limit: int = 50
    ) -> Rows:
        """The newest first; as many as the table keeps."""
        await self.flush()
        return await self.run(lambda c: events.recent(c, printer, since, limit))

    async def last_event_id(self) -> int:
        """Where the next process goes on counting."""
        return await self.run(events.last_id)

    async def configure_maintenance(self, counters: Sequence[maintenance.Counter]) -> None:
        """All counters of the configuration; others are forgotten."""
        now = time.time()
        await self.run(
            lambda c: writer.atomic(c, lambda d: maintenance.configure(d, counters, now))
        )

    async def maintenance(self, printer: Optional[str] = None) -> dict[str, Any]:
        """``{"counters": [...], "odometers": {...}}``"""
        await self._settle()
        now = time.time()
        counters = await self.run(lambda c: maintenance.counters(c, printer, now))
        meters = await self.run(statistics.odometers)
        if printer is not None:
            meters = {name: meter for name, meter in meters.items() if name == printer}
        return {"counters": counters, "odometers": meters}

    async def reset_maintenance(self, printer: str, counter: str) -> dict[str, Any]:
        await self._settle()
        now = time.time()
        done = await self.run(
            lambda c: writer.atomic(c, lambda d: maintenance.reset(d, printer, counter, now))
        )
        if not done:
            raise UnknownJob(f"counter: {str(printer)[:40]} has no '{str(counter)[:40]}'")
        return await self.maintenance(printer)

    async def maintenance_due(self) -> Rows:
        """Counters that passed their threshold, each told once; ask after a job has finished."""
        await self._settle()
        now = time.time()
        return await self.run(lambda c: writer.atomic(c, lambda d: maintenance.newly_due(d, now)))

    # ---- learning from the past -------------------------------------------------------------

    async def finish_samples(self, printer: str, limit: int = 60) -> Samples:
        """What was promised and what it took, newest first; for core.finish."""
        await self._settle()
        rows = await self.run(lambda c: fetch(c, _completed(printer, limit), self._words))
        return [sample for row in rows for sample in finish_samples(row)]

    # ---- inside -----------------------------------------------------------------------------

    async def _scan(self, query: Query) -> Any:
        """Look at the rows themselves, in portions between which others have their turn."""
        rows: list[Any] = []
        left: Optional[tuple[int, int]] = EVERY
        wanted = query.start + query.limit
        page = replace(query, start=0, limit=MAX_PAGE)

        def step(connection: sqlite3.Connection, window: tuple[int, int]) -> Any:
            found: list[Any] = []
            rest: Optional[tuple[int, int]] = window
            until = time.perf_counter() + TURN
            while rest is not None and len(found) < wanted and time.perf_counter() < until:
                here, rest = next_window(connection, query, rest, MAX_PAGE)
                found += fetch(connection, page, self._words, here)
            return found, rest

        while left is not None and len(rows) < wanted:
            window = left
            more, left = await self.run(lambda c: step(c, window))  # noqa: B023
            rows += more
        return rows[query.start : wanted]


def _completed(printer: str, limit: int) -> Query:
    return Query(printer=printer, status="completed", limit=min(max(1, limit), MAX_PAGE))
