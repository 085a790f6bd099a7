# One history for people: our jobs and the local Klipper's, merged on reading
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The local Klipper's jobs stay in Moonraker's own history and are never copied.

Moonraker is asked by its public methods, through a function that is handed in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

from .core.errors import MoonfleetError
from .core.jobs_record import (
    CANCELLED,
    COMPLETED,
    ERROR,
    IN_PROGRESS,
    INTERRUPTED,
    JobRecord,
    number,
    text,
)
from .fleet import LOCAL
from .history.export import line
from .history.service import YEAR

if TYPE_CHECKING:
    from .history import History

logger = logging.getLogger("moonfleet")
LONGEST_JOB = 30 * 86400.0  # s; how long before a period a job of it may have begun
PREFIX = "klipper-"  # of the ids of Moonraker's own jobs
PAGE = 200
SCANNED = 5000  # of Moonraker's jobs at most, where a filter is not Moonraker's own
STATUS = {
    "in_progress": IN_PROGRESS,
    "completed": COMPLETED,
    "cancelled": CANCELLED,
    "error": ERROR,
    "klippy_shutdown": ERROR,
}
Call = Callable[..., Awaitable[Any]]
Jobs = list[dict[str, Any]]


class LocalJobNotOurs(MoonfleetError):
    """It can be read here, and changed only where it lives."""


class MergedHistory:
    """``call(method, **params)`` asks Moonraker."""

    def __init__(self, history: History, call: Call) -> None:
        self._history = history
        self._call = call

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
        filters: dict[str, Any] = {
            "status": status,
            "since": since,
            "before": before,
            "search": search,
            "order": order,
        }
        if printer is not None and printer != LOCAL:
            return await self._history.list(printer=printer, start=start, limit=limit, **filters)
        # checks the parameters too, whoever's jobs are asked for
        ours = await self._first_of_ours(0 if printer == LOCAL else start + limit, filters)
        local = await self._first_of_local(start + limit, **filters)
        merged = sorted(
            [*ours, *local], key=lambda job: job["start_time"], reverse=order.lower() == "desc"
        )
        jobs = merged[start : start + limit]
        return {"count": len(jobs), "jobs": jobs}

    async def job(self, job_id: str) -> dict[str, Any]:
        if not job_id.startswith(PREFIX):
            return await self._history.job(job_id)
        uid = job_id[len(PREFIX) :]
        try:
            int(uid, 16)
            answer = await self._call("server.history.get_job", uid=uid)
        except Exception:
            return await self._history.job(job_id)  # which says that there is none
        return local_job(answer["job"])

    async def export(
        self, form: str = "csv", printer: Optional[str] = None, **filters: Any
    ) -> AsyncGenerator[str, None]:
        """Ours, then the local Klipper's, each oldest first."""
        async for piece in self._history.export(form, printer=printer, **filters):
            yield piece
        if printer not in (None, LOCAL):
            return
        wanted: dict[str, Any] = {"status": None, "since": None, "before": None, "search": None}
        start = 0
        while True:
            page, more = await self._local_page(start, **{**wanted, **filters}, order="asc")
            yield "".join(line(form, job) for job in page)
            if not more:
                return
            start += PAGE

    async def totals(self, printer: Optional[str] = None) -> dict[str, Any]:
        """Ours and, as Moonraker's own history has them, the local Klipper's."""
        found = await self._history.totals(printer)
        if printer in (None, LOCAL):
            found["job_totals"] = _together(found["job_totals"], await self._local_totals())
        return found

    async def statistics(
        self,
        printer: Optional[str] = None,
        since: Optional[float] = None,
        before: Optional[float] = None,
    ) -> dict[str, Any]:
        local: Jobs = []
        if printer in (None, LOCAL):
            before = time.time() if before is None else before
            since = before - YEAR if since is None else since
            # Moonraker asks when a job began; a period takes those that ended in it
            first = since - LONGEST_JOB
            local = await self._first_of_local(SCANNED, None, first, before, None, "desc")
        return await self._history.statistics(printer, since, before, local)

    async def events(
        self, printer: Optional[str], since: Optional[float], limit: int
    ) -> dict[str, Any]:
        return {"events": await self._history.events(printer, since, limit)}

    async def maintenance(self, printer: Optional[str] = None) -> dict[str, Any]:
        return await self._history.maintenance(printer)

    async def reset_maintenance(self, printer: str, counter: str) -> dict[str, Any]:
        return await self._history.reset_maintenance(printer, counter)

    async def note(self, job_id: str, notes: str) -> dict[str, Any]:
        if job_id.startswith(PREFIX):
            raise LocalJobNotOurs(f"job_id: '{job_id[:60]}' is in Moonraker's own history")
        return await self._history.note(job_id, notes)

    async def delete(self, job_id: str) -> dict[str, Any]:
        if job_id.startswith(PREFIX):
            raise LocalJobNotOurs(
                f"job_id: '{job_id[:60]}' is in Moonraker's own history; delete it there"
            )
        return await self._history.delete(job_id)

    # ---- inside -----------------------------------------------------------------------------

    async def _local_totals(self) -> Mapping[str, Any]:
        try:
            answer = await self._call("server.history.totals")
        except Exception as error:
            logger.debug("moonfleet: Moonraker's own totals: %s", error)
            return {}
        found = answer.get("job_totals") if isinstance(answer, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    async def _first_of_ours(self, wanted: int, filters: Mapping[str, Any]) -> Jobs:
        jobs: Jobs = []
        while True:
            size = max(1, min(PAGE, wanted - len(jobs)))
            page = (await self._history.list(start=len(jobs), limit=size, **filters))["jobs"]
            if wanted == 0:
                return []
            jobs += page
            if len(page) < size or len(jobs) >= wanted:
                return jobs

    async def _first_of_local(
        self,
        wanted: int,
        status: Optional[str],
        since: Optional[float],
        before: Optional[float],
        search: Optional[str],
        order: str,
    ) -> Jobs:
        jobs: Jobs = []
        for first in range(0, SCANNED, PAGE):
            page, more = await self._local_page(first, status, since, before, search, order)
            jobs += page
            if not more or len(jobs) >= wanted:
                break
        return jobs[:wanted]

    async def _local_page(
        self,
        first: int,
        status: Optional[str],
        since: Optional[float],
        before: Optional[float],
        search: Optional[str],
        order: str,
    ) -> tuple[Jobs, bool]:
        """The jobs that match among the next of Moonraker's, and whether there are more."""
        params: dict[str, Any] = {"order": order, "limit": PAGE, "start": first}
        if since is not None:
            params["since"] = since
        if before is not None:
            params["before"] = before
        try:
            rows = (await self._call("server.history.list", **params))["jobs"]
        except Exception as error:
            # Moonraker's history refused: ours is still worth showing
            logger.debug("moonfleet: Moonraker's own history: %s", error)
            return [], False
        words = (search or "").lower().split()
        jobs = [local_job(row) for row in rows]
        found = [job for job in jobs if status in (None, job["status"]) and _has(job, words)]
        return found, len(rows) == PAGE


def _together(ours: Mapping[str, Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """Totals add up; of the longest the longer one counts."""
    both = {name: (value, number(local.get(name)) or 0) for name, value in ours.items()}
    totals = {name: max(p) if name.startswith("longest") else sum(p) for name, p in both.items()}
    return {**totals, "total_jobs": int(totals["total_jobs"])}


def _has(job: Mapping[str, Any], words: list[str]) -> bool:
    said = f"{job['name']} {job['filename']} {job['display_name']}".lower()
    return all(word in said for word in words)


def local_job(row: Mapping[str, Any]) -> dict[str, Any]:
    """A job of Moonraker's history in our shape."""
    found = row.get("metadata")
    metadata: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    filename = text(row.get("filename"))
    status = STATUS.get(str(row.get("status")), INTERRUPTED)
    total, printed = number(row.get("total_duration")), number(row.get("print_duration"))
    progress = 1.0 if status == COMPLETED else None
    extra = {
        str(field.get("name")): number(field.get("value"))
        for field in row.get("auxiliary_data") or ()
        if isinstance(field, Mapping) and field.get("provider") == "moonfleet"
    }
    return JobRecord(
        job_id=f"{PREFIX}{row.get('job_id')}",
        printer=LOCAL,
        display_name="Klipper",
        status=status,
        start_time=number(row.get("start_time")) or 0.0,
        end_time=number(row.get("end_time")),
        filename=filename,
        name=None if filename is None else filename.rsplit("/", 1)[-1],
        total_duration=total or 0.0,
        print_duration=printed or 0.0,
        progress=progress,
        filament=_filament(row, metadata),
        heatup_time=extra.get("heatup_time"),
        eta_error=extra.get("eta_error"),
        origin="local",
    ).to_json()


def _filament(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """What was used, in grams where the sliced file says how much its length weighs."""
    used, material = number(row.get("filament_used")), text(metadata.get("filament_type"))
    length = number(metadata.get("filament_total"))
    weight = number(metadata.get("filament_weight_total"))
    grams = None
    if used is not None and length and weight is not None:
        grams = round(weight * used / length, 2)
    if grams is None and material is None:
        return ()
    entry = {"unit": None, "slot": 0, "extruder": "extruder", "material": material}
    return ({**entry, "color": None, "grams": grams},)
