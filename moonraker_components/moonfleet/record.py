# What happens in the fleet goes on record
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Joins the fleet's news to the history: jobs, events, connected time, maintenance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Optional

from .core.finish import learn
from .core.jobs import JobRecord, OpenJob
from .core.jobs_record import COMPLETED, INTERRUPTED
from .core.model import SlicedPlate
from .fleet import Fleet
from .history.rows import grams_of, material_of

if TYPE_CHECKING:
    from .history import History

logger = logging.getLogger("moonfleet")
MINUTE = 60.0  # s
HOUR = 60  # minutes
PATIENCE = 300.0  # s for a file to be read over a printer's slow network


class Recorder:
    """``tell(action, job)`` passes a step of a job on to the clients."""

    def __init__(
        self, fleet: Fleet, history: History, tell: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._fleet = fleet
        self._history = history
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        fleet.listen_jobs(self._job_step)
        fleet.listen_events(self._event)

    async def start(self) -> None:
        """Before the fleet starts: its events are numbered on from the last one on record."""
        await self._history.start()
        self._fleet.events.continue_after(await self._history.last_event_id())
        self._spawn(self._keep_presence())

    async def stop(self) -> None:
        """The last writes; Moonraker closes its database soon after."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._history.stop()

    def _job_step(self, record: JobRecord, action: str) -> None:
        display_name = self._fleet.printer(record.printer).settings.display_name
        named = replace(record, display_name=display_name)
        self._history.take(named, action)
        self._tell(action, named.to_json())
        if action == "added":
            self._spawn(self._learn_finish(record.printer))
        if action == "finished":
            self._spawn(self._weigh(named))
            self._spawn(self._look_at_maintenance())

    def _event(self, event: Mapping[str, Any]) -> None:
        self._history.note_event(event)

    async def learn_all(self) -> None:
        """Jobs that were open before this process are corrected by the past as well."""
        for printer in self._fleet.printers():
            if printer.job is not None:
                await self._learn_finish(printer.name)

    async def close_orphans(self) -> None:
        """A job of a printer that is no more: nobody will ever see its end."""
        for name, stored in (await self._history.load_open()).items():
            if name in self._fleet.names():
                continue
            job = OpenJob.from_dict(stored.get("open"))
            if job is not None:
                record = job.record(
                    INTERRUPTED,
                    job.start_time + job.total_duration,
                    end_estimated=True,
                    status_estimated=True,
                )
                self._history.take(record, "finished")
                self._tell("finished", record.to_json())
            self._history.save_open(name, None)

    async def _learn_finish(self, name: str) -> None:
        printer = self._fleet.printer(name)
        filament = printer.job.filament if printer.job is not None else ()
        samples = await self._history.finish_samples(name)
        printer.correction = learn(samples, material_of(filament))

    async def _weigh(self, record: JobRecord) -> None:
        """The grams of a print that was carried through, from its sliced file. It is asked for when
        the printer has nothing else to do; where it does not say, nobody knows."""
        files = self._fleet.files(record.printer)
        unknown = record.status == COMPLETED and grams_of(record.filament) is None
        if files is None or record.filename is None or not unknown:
            return
        try:
            plates = await asyncio.wait_for(files.plates(record.filename), PATIENCE)
        except Exception as error:
            logger.debug("%s: the sliced file: %s", record.printer, type(error).__name__)
            return
        used = weighed(record.filament, plates)
        if used is not None:
            heavier = replace(record, filament=used)
            self._history.take(heavier, "updated")
            self._tell("updated", heavier.to_json())

    async def _look_at_maintenance(self) -> None:
        for due in await self._history.maintenance_due():
            self._fleet.events.maintenance_due(due)

    async def _keep_presence(self) -> None:
        """Connected time, for the share of it in which a printer prints."""
        minutes = 0
        while True:
            await asyncio.sleep(MINUTE)
            minutes += 1
            for printer in self._fleet.printers():
                if printer.online:
                    self._history.note_online(printer.name, MINUTE)
            if minutes % HOUR == 0:  # some counters count days
                self._spawn(self._look_at_maintenance())  # its failure must not end this

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("moonfleet: the record is incomplete", exc_info=task.exception())


def weighed(
    filament: Sequence[Mapping[str, Any]], plates: Sequence[SlicedPlate]
) -> Optional[tuple[Mapping[str, Any], ...]]:
    """The slots with their grams; None where file and printer do not tell them apart."""
    if len(plates) != 1 or plates[0].weight is None or len(filament) > 1:
        return None
    if filament:
        return ({**filament[0], "grams": plates[0].weight},)
    materials = set(plates[0].materials)
    material = materials.pop() if len(materials) == 1 else None
    entry = {"unit": None, "slot": 0, "extruder": "extruder", "material": material}
    return ({**entry, "color": None, "grams": plates[0].weight},)
