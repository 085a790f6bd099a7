# Stands in until the history room is built
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The interface of ``History`` in memory; removed as soon as history.py is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .core.errors import UnknownPrinter
from .core.jobs import JobRecord


class History:
    def __init__(self, _database: Any) -> None:
        self._open: dict[str, Mapping[str, Any]] = {}
        self._jobs: dict[str, JobRecord] = {}

    async def start(self) -> None:
        """Nothing to prepare."""

    async def load_open(self) -> Mapping[str, Mapping[str, Any]]:
        return self._open

    def save_open(self, printer: str, job: Optional[Mapping[str, Any]]) -> None:
        self._open = {**self._open, printer: job} if job else self._open

    def take(self, record: JobRecord, _action: str) -> None:
        self._jobs[record.job_id] = record

    async def list(self, **_filters: Any) -> dict[str, Any]:
        jobs = [record.to_json() for record in self._jobs.values()][::-1]
        return {"count": len(jobs), "jobs": jobs}

    async def job(self, job_id: str) -> dict[str, Any]:
        if job_id not in self._jobs:
            raise UnknownPrinter(f"no job {job_id}")
        return self._jobs[job_id].to_json()
