# Which runs are already written down, and how many nobody saw
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Identities of ended jobs (never recorded twice), the last one to reopen, the device's counter."""

from __future__ import annotations

from typing import Any, Optional

from .jobs_record import OpenJob, text, whole
from .model import JobReport, JobRules

REMEMBERED = 32  # ended identities
WRAP_MARGIN = 1024  # a counter this close to its end wrapped; otherwise it was set back


class JobLedger:
    def __init__(self, rules: JobRules) -> None:
        self._rules = rules
        self.ended: Optional[OpenJob] = None  # the last one
        self.inferred = False  # its end was worked out, not seen
        self._identities: list[str] = []  # unique ones that ended
        self.number: Optional[int] = None  # the device's counter at the last start
        self.epoch = 0  # how often the counter was set back

    def is_ended(self, report: JobReport) -> bool:
        """The report is about a run that is written down as ended."""
        if not report.unique or report.identity not in self._identities:
            return False
        set_back = report.number is not None and (self.number or 0) > report.number
        return self.is_last(report) or not set_back  # an old number means that it counts anew

    def is_last(self, report: JobReport) -> bool:
        return self.ended is not None and self.ended.identity == report.identity

    def close(self, job: OpenJob, inferred: bool) -> None:
        self.ended, self.inferred = job, inferred
        if job.unique and job.identity is not None and job.identity not in self._identities:
            self._identities = [*self._identities, job.identity][-REMEMBERED:]

    def reopen(self) -> None:
        job, self.ended = self.ended, None
        if job is not None:
            self._identities = [one for one in self._identities if one != job.identity]

    def adopt(self, job: OpenJob, report: JobReport) -> None:
        """The open job is the one that the report is about."""
        if report.identity is not None:
            job.identity, job.unique = report.identity, report.unique
        if report.number is None or report.number == job.number:
            return
        job.number = report.number
        job.missed_before += self._count(report.number)

    def _count(self, number: int) -> int:
        """Runs between the last start and this one."""
        last, self.number = self.number, number
        if last is None or number == last:
            return 0
        if number > last:
            return number - last - 1
        modulus = self._rules.number_modulus
        if modulus is not None and 0 < (number - last) % modulus <= WRAP_MARGIN:
            return (number - last) % modulus - 1
        self.epoch += 1  # another board, or a factory reset: identities may come again
        self._identities = []
        return 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "ended": None if self.ended is None else self.ended.to_dict(),
            "inferred": self.inferred,
            "identities": list(self._identities),
            "number": self.number,
            "epoch": self.epoch,
        }

    def restore(self, stored: Any) -> None:
        if not isinstance(stored, dict):
            return
        self.ended = OpenJob.from_dict(stored.get("ended"))
        self.inferred = stored.get("inferred") is True
        known = stored.get("identities")
        names = [text(one) for one in known] if isinstance(known, list) else []
        self._identities = [one for one in names if one][-REMEMBERED:]
        self.number = whole(stored.get("number"))
        self.epoch = whole(stored.get("epoch")) or 0
