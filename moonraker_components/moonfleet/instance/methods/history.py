# server.history.*: our history in Moonraker's shape
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Only this printer's jobs; the host's own history is never shown here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..jsonrpc import RpcError, not_found
from ..router import Handler, Request

if TYPE_CHECKING:
    from ..printer import VirtualPrinter

PAGE = 500


def handlers(virtual: VirtualPrinter) -> dict[str, Handler]:
    if virtual.history is None:
        return {}
    family = History(virtual)
    return {
        "server.history.list": family.list,
        "server.history.totals": family.totals,
        "server.history.get_job": family.job,
        "server.history.delete_job": family.delete,
        "server.history.reset_totals": family.refuse,
    }


class History:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual
        self.history = virtual.history

    async def list(self, request: Request) -> Any:
        params = request.params
        found = await self.history.list(
            printer=self.virtual.name,
            since=params.number("since"),
            before=params.number("before"),
            order="asc" if params.text("order", "desc").lower() == "asc" else "desc",
            start=params.integer("start", 0, 0, 10**9),
            limit=params.integer("limit", 50, 1, PAGE),
        )
        jobs = [moonraker_job(job) for job in found["jobs"]]
        return {"count": found["count"], "jobs": jobs}

    async def job(self, request: Request) -> Any:
        return {"job": moonraker_job(await self._own(request.params.text("uid")))}

    async def _own(self, job_id: str) -> Mapping[str, Any]:
        job: Mapping[str, Any] = await self.history.job(job_id)
        if job["printer"] != self.virtual.name:
            raise not_found(f"Invalid job uid: {job_id[:60]}")
        return job

    async def totals(self, request: Request) -> Any:
        totals = await self.history.virtual_totals(self.virtual.name)
        return {"job_totals": totals, "auxiliary_totals": []}

    async def delete(self, request: Request) -> Any:
        if request.params.flag("all"):
            raise RpcError(403, "All jobs at once are not deleted through a virtual printer")
        job = await self._own(request.params.text("uid"))
        return await self.history.delete(job["job_id"])

    async def refuse(self, request: Request) -> Any:
        raise RpcError(403, "The totals of a bridged printer follow from its jobs")


def moonraker_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """One history row as both interfaces know it."""
    return {
        "job_id": job["job_id"],
        "user": None,
        "filename": job["filename"] or job.get("name") or "",
        "status": job["status"],
        "start_time": job["start_time"],
        "end_time": job["end_time"],
        "print_duration": job["print_duration"],
        "total_duration": job["total_duration"],
        "filament_used": 0.0,
        "metadata": {},
        "auxiliary_data": [],
        "exists": False,
    }
