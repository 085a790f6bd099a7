# What the printer's counter makes of job ids: identities and numbers that never repeat
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A job id is 16 bits on Buddy and wraps; a new board starts again at 1.

The ledger turns ids into an identity that is never used twice and into a number that only grows, so
that a gap in the numbers is a count of runs nobody saw. It survives restarts as a small text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Optional

from .identity import Flavour
from .values import count, table, text

WRAP = 65536  # Buddy's counter is 16 bits
WRAP_MARGIN = 1024  # ids this close to the ends are one wrap apart, not a new board


@dataclass
class JobLedger:
    serial: Optional[str] = None
    epoch: int = 0
    last_id: Optional[int] = None
    last_number: int = 0
    ended_id: Optional[int] = None  # a job seen to end: an id that cannot come back to life

    def use_serial(self, serial: Optional[str]) -> None:
        """Another serial number is another printer (or board): ids start a new life."""
        if serial is None or serial == self.serial:
            return
        if self.serial is not None:
            self.epoch += 1
            self.last_id = self.ended_id = None
        self.serial = serial

    def enter(self, job_id: int, flavour: Optional[Flavour]) -> tuple[str, int]:
        """(identity, number) of the job with this id."""
        if self.last_id is None:
            self.last_number += 1
        elif job_id > self.last_id:
            self.last_number += job_id - self.last_id
        elif job_id < self.last_id:
            step = job_id + WRAP - self.last_id
            wrapped = flavour is not Flavour.PYTHON and step <= WRAP_MARGIN
            self.epoch += 1
            self.last_number += step if wrapped else 1
        if job_id != self.last_id:
            self.last_id, self.ended_id = job_id, None
        return f"{self.serial}:{self.epoch}:{job_id}", self.last_number

    def to_text(self) -> str:
        return json.dumps(
            {
                "serial": self.serial,
                "epoch": self.epoch,
                "last_id": self.last_id,
                "last_number": self.last_number,
                "ended_id": self.ended_id,
            }
        )

    @classmethod
    def from_text(cls, stored: Optional[str]) -> JobLedger:
        """A fresh ledger when the text is absent or damaged."""
        try:
            known = table(json.loads(stored or "{}"))
        except (ValueError, RecursionError):
            known = {}
        return cls(
            serial=text(known.get("serial")),
            epoch=count(known.get("epoch")) or 0,
            last_id=count(known.get("last_id")),
            last_number=count(known.get("last_number")) or 0,
            ended_id=count(known.get("ended_id")),
        )
