# The history as the rest of the house sees it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``History(database)`` in the component's ``__init__``, ``start`` later, ``stop`` in ``on_exit``.

What happens is handed in synchronously (``take``, ``save_open``) and written together in the next
turn of the loop, in one transaction. It is kept until the database took it: a full disk delays the
record, it does not punch holes into it. Questions are coroutines.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Callable, Optional, TypeVar

from ..core.jobs_record import IN_PROGRESS, JobRecord, OpenJob
from . import export, statistics, sums, writer
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
from .rows import to_json
from .schema import JOBS, STATE, TABLES, definition, make_words

T = TypeVar("T")
logger = logging.getLogger("moonfleet")
RETRY = 30.0  # s until a failed write is tried again
TRACKER = "tracker:"  # + printer: what its job tracker must not forget
STALE = "words_stale"  # text search missed some jobs: index them again
YEAR = 365 * 86400.0
MAX_TIME = 1e11  # s; beyond every calendar
PIECE = 100  # jobs read at once for an export
CHUNK = 500  # jobs indexed per turn of the database


class History:
    def __init__(self, database: Any, base: Optional[type] = None) -> None:
        """``base`` is Moonraker's ``SqlTableDefinition``; handed in only where Moonraker is not."""
        base = base or moonraker_table_definition()
        tables = [database.register_table(definition(base, table)) for table in TABLES]
        self._table = tables[0]
        self._words = False
        self._jobs: dict[str, JobRecord] = {}  # to be written, the last word on each
        self._open: dict[str, Optional[str]] = {}  # printer -> tracker's memory, to be written
        self._stored_open: dict[str, Optional[str]] = {}
        self._flush_handle: Optional[asyncio.Handle] = None
        self._writing: Optional[asyncio.Future[None]] = None
        self._told_failure = False
        self.prices = statistics.FREE

    # ---- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Text search is prepared here; everything else works from the first moment."""
        self._words = await self.run(make_words)
        state = await self.run(
            lambda c: c.execute(f"SELECT value FROM {STATE} WHERE key = ?", (STALE,)).fetchone()
        )
        if not self._words:
            await self.run(lambda c: writer.atomic(c, lambda d: writer.put_state(d, STALE, "yes")))
        elif state is not None or await self.run(_never_indexed):
            await self._reindex()

    async def stop(self) -> None:
        """The last writes; call it in ``on_exit``, before Moonraker closes its database."""
        self._cancel_flush()
        await self._flush()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run on the database's thread. A caller that gives up does not cancel Moonraker's future,
        which the database would trip over."""
        result: T = await asyncio.shield(self._table.queue_callback(work))
        return result

    # ---- what happens -----------------------------------------------------------------------

    def take(self, record: JobRecord, action: str = "updated") -> None:
        """A job was added, updated or finished; ``action`` is for those who listen, not for us."""
        self._jobs[record.job_id] = record
        self._soon()

    def save_open(self, printer: str, stored: Optional[Mapping[str, Any]]) -> None:
        """What ``JobTracker.to_dict`` says; written only when it is news."""
        text = None if stored is None else json.dumps(stored, separators=(",", ":"), default=str)
        if self._stored_open.get(printer, "") == text and printer not in self._open:
            return
        self._open[printer] = text
        running = OpenJob.from_dict(stored.get("open")) if stored is not None else None
        waiting = self._jobs.get(running.job_id) if running is not None else None
        if running is not None and (waiting is None or waiting.status == IN_PROGRESS):
            name = waiting.display_name if waiting is not None else None
            self._jobs[running.job_id] = replace(running.record(), display_name=name)
        self._soon()

    async def load_open(self) -> dict[str, dict[str, Any]]:
        """printer -> what its tracker stored last."""
        rows = await self.run(
            lambda c: c.execute(
                f"SELECT key, value FROM {STATE} WHERE key >= ? AND key < ?",
                (TRACKER, TRACKER + "\U0010ffff"),
            ).fetchall()
        )
        found: dict[str, dict[str, Any]] = {}
        for key, text in rows:
            try:
                stored = json.loads(text)
            except (ValueError, RecursionError):
                logger.warning("moonfleet: the open job of %s cannot be read", key[len(TRACKER) :])
                continue
            if isinstance(stored, dict):
                found[key[len(TRACKER) :]] = stored
                self._stored_open[key[len(TRACKER) :]] = text
        return found

    async def flush(self) -> None:
        """Wait until everything handed in is in the database (or has failed to get there)."""
        self._cancel_flush()
        await self._flush()

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
    ) -> dict[str, Any]:
        """docs/history.md lists every figure; the last 365 days unless told otherwise."""
        before = time.time() if before is None else before
        since = before - YEAR if since is None else since
        if not -MAX_TIME < since <= before < MAX_TIME:
            raise BadQuery("since and before: a period begins before it ends, in Unix seconds")
        await self._settle()
        period, found = sums.Period(since, before), sums.Gathered()
        for part in period.parts():
            found.add(await self.run(lambda c: sums.gather(c, part, printer)))  # noqa: B023
        return statistics.statistics(period, found, self.prices)

    # ---- inside -----------------------------------------------------------------------------

    async def _scan(self, query: Query) -> Any:
        """Look at the rows themselves, in portions between which others have their turn."""
        rows: list[Any] = []
        left: Optional[tuple[int, int]] = EVERY
        wanted = query.start + query.limit
        page = replace(query, start=0, limit=MAX_PAGE)

        def step(connection: sqlite3.Connection, window: tuple[int, int]) -> Any:
            here, rest = next_window(connection, query, window, MAX_PAGE)
            return fetch(connection, page, self._words, here), rest

        while left is not None and len(rows) < wanted:
            window = left
            more, left = await self.run(lambda c: step(c, window))  # noqa: B023
            rows += more
        return rows[query.start : wanted]

    def _soon(self) -> None:
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_soon(self._start_flush)

    def _start_flush(self) -> None:
        self._flush_handle = None
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._flush_loop())

    def _cancel_flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None

    async def _settle(self) -> None:
        """What was handed in before a question is part of its answer."""
        if self._flush_handle is not None or self._writing is not None:
            await self.flush()

    async def _flush(self) -> None:
        if self._writing is None and (self._jobs or self._open):
            self._writing = asyncio.ensure_future(self._flush_loop())
        if self._writing is not None:
            await asyncio.shield(self._writing)
            if (self._jobs or self._open) and not self._told_failure:
                await self._flush()

    async def _flush_loop(self) -> None:
        """Write what is there; when the database refuses, keep it and try again later."""
        try:
            while self._jobs or self._open:
                jobs, self._jobs = self._jobs, {}
                memories, self._open = self._open, {}
                try:
                    await self.run(lambda c: self._write(c, jobs, memories))  # noqa: B023
                except Exception as error:
                    self._jobs = {**jobs, **self._jobs}
                    self._open = {**memories, **self._open}
                    self._failed(error)
                    return
                self._stored_open.update(memories)
                if self._told_failure:
                    logger.info("moonfleet: the history is being written again")
                self._told_failure = False
        finally:
            self._writing = None

    def _write(
        self,
        connection: sqlite3.Connection,
        jobs: Mapping[str, JobRecord],
        memories: Mapping[str, Optional[str]],
    ) -> None:
        def work(inner: sqlite3.Connection) -> None:
            for record in jobs.values():
                writer.put_job(inner, record, self._words)
            for printer, text in memories.items():
                writer.put_state(inner, TRACKER + printer, text)

        writer.atomic(connection, work)

    def _failed(self, error: Exception) -> None:
        if not self._told_failure:
            logger.error(
                "moonfleet: the history cannot be written, it is kept in memory: %s", error
            )
        self._told_failure = True
        loop = asyncio.get_running_loop()
        if self._flush_handle is None:
            self._flush_handle = loop.call_later(RETRY, self._start_flush)

    async def _reindex(self) -> None:
        """In small portions: nobody else waits for long."""
        after: Optional[int] = -(2**62)
        while after is not None:
            last = after
            after = await self.run(
                lambda c: writer.atomic(c, lambda d: writer.reindex(d, last, CHUNK))  # noqa: B023
            )
        await self.run(lambda c: writer.atomic(c, lambda d: writer.put_state(d, STALE, None)))


def moonraker_table_definition() -> type:
    """Imported late: the pure parts and their tests do without Moonraker."""
    from moonraker.common import SqlTableDefinition

    return SqlTableDefinition


def _never_indexed(connection: sqlite3.Connection) -> bool:
    """Jobs, and no word of them: an index that was just made."""
    some = connection.execute(f"SELECT id FROM {JOBS} LIMIT 1").fetchone()
    return some is not None and writer.no_words(connection)
