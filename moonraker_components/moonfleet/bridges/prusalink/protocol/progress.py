# The progress of one job, without the Python server's fairy tales
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One guard per job id.

Until a job on the Python server has a print time of its own, progress and time left are those of
the job before it. While it asks for attention both times vanish and progress reads 0.
"""

from __future__ import annotations

from typing import Optional

from .status import JobFacts


class ProgressGuard:
    def __init__(self) -> None:
        self._first: Optional[float] = None
        self._trusted = False
        self._good = JobFacts()

    def apply(self, job: JobFacts, *, lies: bool, asking: bool) -> JobFacts:
        """The facts to believe; progress never falls within a job."""
        if not lies:
            return self._keep(job)
        if not self._trusted:
            if self._first is None:
                self._first = job.progress
            self._trusted = job.print_duration is not None or (
                job.progress is not None
                and self._first is not None
                and job.progress < self._first
                and not asking
            )
        if asking and job.print_duration is None:
            return JobFacts(
                job.id, self._good.progress, self._good.time_left, self._good.print_duration
            )
        if not self._trusted:
            start = 0.0 if job.progress == 0.0 else None
            return JobFacts(job.id, start)
        return self._keep(job)

    def _keep(self, job: JobFacts) -> JobFacts:
        progress = job.progress
        if self._good.progress is not None:
            progress = max(progress or 0.0, self._good.progress)
        elapsed = job.print_duration
        if elapsed is None:
            elapsed = self._good.print_duration
        self._good = JobFacts(job.id, progress, job.time_left, elapsed)
        return self._good
