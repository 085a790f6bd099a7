# What happens is written down: together, in one transaction, until the database took it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The writing half of the history.

What happens is handed in synchronously (``take``, ``save_open``, ``note_event``, ``note_online``)
and written together in the next turn of the loop, in one transaction. It is kept until the database
took it: a full disk delays the record, it does not punch holes into it.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Optional, TypeVar

from ..core.errors import one_line
from ..core.jobs_record import IN_PROGRESS, JobRecord, OpenJob
from . import writer
from .schema import JOBS, STATE, TABLES, definition, make_words

T = TypeVar("T")
logger = logging.getLogger("moonfleet")
RETRY = 30.0  # s until a failed write is tried again
LAZY = 60.0  # s that an event may wait for company
LAZIEST = 900.0  # s that the connected time may wait
TRACKER = "tracker:"  # + printer: what its job tracker must not forget
STALE = "words_stale"  # text search missed some jobs: index them again
CHUNK = 500  # jobs indexed per turn of the database
# an entry is wrong, not the database
UNFIT = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)
MAX_WAITING = 2000  # events kept while the database refuses


@dataclass
class Waiting:
    """What is not in the database yet."""

    jobs: dict[str, JobRecord] = field(default_factory=dict)  # the last word on each
    memories: dict[str, Optional[str]] = field(default_factory=dict)  # printer -> its tracker's
    events: list[Mapping[str, Any]] = field(default_factory=list)
    online: dict[tuple[int, str], float] = field(default_factory=dict)  # (day, printer) -> s

    def __bool__(self) -> bool:
        return bool(self.jobs or self.memories or self.events or self.online)

    def put_back(self, older: Waiting) -> None:
        """What could not be written; what came meanwhile is newer."""
        self.jobs = {**older.jobs, **self.jobs}
        self.memories = {**older.memories, **self.memories}
        self.events = [*older.events, *self.events][-MAX_WAITING:]
        for key, seconds in older.online.items():
            self.online[key] = self.online.get(key, 0.0) + seconds


class Journal:
    def __init__(self, database: Any, base: Optional[type] = None) -> None:
        """``base`` is Moonraker's ``SqlTableDefinition``; handed in only where Moonraker is not."""
        base = base or moonraker_table_definition()
        tables = [database.register_table(definition(base, table)) for table in TABLES]
        self._table = tables[0]
        self._words = False
        self._waiting = Waiting()
        self._stored_memories: dict[str, Optional[str]] = {}
        self._timer: Optional[asyncio.TimerHandle] = None
        self._writing: Optional[asyncio.Future[None]] = None
        self.trouble: Optional[str] = None  # why nothing can be written, while it is so
        self._closed = False

    # ---- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Text search is prepared here; everything else works from the first moment."""
        try:
            await self._prepare_words()
        except sqlite3.Error as error:
            self._words = False
            logger.error("moonfleet: text search without an index: %s", error)

    async def _prepare_words(self) -> None:
        self._words = await self.run(make_words)
        state = await self.run(
            lambda c: c.execute(f"SELECT value FROM {STATE} WHERE key = ?", (STALE,)).fetchone()
        )
        if self._words and (state is not None or await self.run(_never_indexed)):
            await self._reindex()

    async def stop(self) -> None:
        """The last writes; call it in ``on_exit``, before Moonraker closes its database.

        What comes later is not written: the next process will see it again.
        """
        await self.flush()
        self._closed = True

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run on the database's thread. A caller that gives up does not cancel Moonraker's future,
        which the database would trip over."""
        result: T = await asyncio.shield(self._table.queue_callback(work))
        return result

    # ---- what happens -----------------------------------------------------------------------

    def take(self, record: JobRecord, action: str = "updated") -> None:
        """A job was added, updated or finished; ``action`` is for those who listen, not for us."""
        self._waiting.jobs[record.job_id] = record
        self._write_within(0.0)

    def save_open(self, printer: str, stored: Optional[Mapping[str, Any]]) -> None:
        """What ``JobTracker.to_dict`` says; written only when it is news."""
        waiting = self._waiting
        text = None if stored is None else json.dumps(stored, separators=(",", ":"), default=str)
        if self._stored_memories.get(printer, "") == text and printer not in waiting.memories:
            return
        waiting.memories[printer] = text
        running = OpenJob.from_dict(stored.get("open")) if stored is not None else None
        if running is not None:
            known = waiting.jobs.get(running.job_id)
            if known is None or known.status == IN_PROGRESS:
                name = known.display_name if known is not None else None
                waiting.jobs[running.job_id] = replace(running.record(), display_name=name)
        self._write_within(0.0)

    def note_event(self, event: Mapping[str, Any]) -> None:
        """An Event of the contract; it waits for company, for each write wears an SD card."""
        self._waiting.events.append(dict(event))
        self._write_within(LAZY)

    def note_online(self, printer: str, seconds: float, now: Optional[float] = None) -> None:
        """The printer has been connected for so long; call it now and then."""
        key = writer.day_of(time.time() if now is None else now), printer
        self._waiting.online[key] = self._waiting.online.get(key, 0.0) + max(0.0, seconds)
        self._write_within(LAZIEST)

    async def load_open(self) -> dict[str, dict[str, Any]]:
        """printer -> what its tracker stored last."""
        await self._settle()  # a printer that leaves and joins again has just stored it
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
                self._stored_memories[key[len(TRACKER) :]] = text
        return found

    async def flush(self) -> None:
        """Wait until everything handed in is in the database, or has failed to get there."""
        self._start_writing()
        while self._writing is not None:
            await asyncio.shield(self._writing)

    # ---- inside -----------------------------------------------------------------------------

    def _write_within(self, seconds: float) -> None:
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        if self.trouble is not None:
            seconds = max(seconds, RETRY)
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._start_writing)

    def _start_writing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is None and self._waiting:
            self._writing = asyncio.ensure_future(self._write())

    async def _settle(self) -> None:
        """What was handed in before a question is part of its answer."""
        if self._waiting.jobs or self._waiting.memories or self._writing is not None:
            await self.flush()

    async def _write(self) -> None:
        """Write what is there; when the database refuses, keep it and try again later."""
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, Waiting()
                put = functools.partial(self._put, taken=taken)
                work = functools.partial(writer.atomic, work=put)
                try:
                    await self.run(work)
                except UNFIT as error:
                    logger.error("moonfleet: a part of the history cannot be stored: %s", error)
                    await self.run(functools.partial(self._salvage, taken=taken))
                except Exception as error:
                    self._waiting.put_back(taken)
                    self._failed(error)
                    return
                self._stored_memories.update(taken.memories)
                if self.trouble is not None:
                    logger.info("moonfleet: the history is being written again")
                self.trouble = None
        finally:
            self._writing = None

    def _put(self, connection: sqlite3.Connection, taken: Waiting) -> None:
        for record in taken.jobs.values():
            writer.put_job(connection, record, self._words)
        if taken.jobs and not self._words:
            writer.put_state(connection, STALE, "yes")
        for printer, text in taken.memories.items():
            writer.put_state(connection, TRACKER + printer, text)
        for (day, printer), seconds in taken.online.items():
            writer.put_presence(connection, day, printer, seconds)
        if taken.events:
            writer.put_events(connection, taken.events)

    def _salvage(self, connection: sqlite3.Connection, taken: Waiting) -> None:
        """One entry is not fit for the table: write the others, one by one."""
        parts = [Waiting(jobs={key: record}) for key, record in taken.jobs.items()]
        parts += [Waiting(memories={key: text}) for key, text in taken.memories.items()]
        parts += [Waiting(events=[event]) for event in taken.events]
        parts += [Waiting(online={key: seconds}) for key, seconds in taken.online.items()]
        for part in parts:
            try:
                writer.atomic(connection, functools.partial(self._put, taken=part))
            except UNFIT as error:
                logger.error("moonfleet: left out of the history: %s: %s", part, error)

    def _failed(self, error: Exception) -> None:
        if self.trouble is None:
            self.trouble = one_line(
                f"moonfleet: the history cannot be written, it is kept in memory: {error}"
            )
            logger.error("%s", self.trouble)
        self._write_within(RETRY)

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
