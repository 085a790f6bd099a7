# What one connection has shown so far, and what follows from its silence
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: times are handed in, decisions come out."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from .timing import Timing


class Step(Enum):
    WAKE = "wake"  # ask the printer to report again
    STALE = "stale"  # it was asked and stays silent: say so
    GIVE_UP = "give_up"  # a new connection is needed
    ASK_FULL = "ask_full"  # a full report is due


class Watch:
    """One connection, from the moment it may report."""

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self.connected_at = now
        self.full_asked_at = now
        self.reported = False  # something that could be used
        self._report_at = now
        self._had_full = False
        self._asked_again = False
        self._woken_at: Optional[float] = None
        self._told = False

    def report(self, full: bool, now: float) -> bool:
        """A report has come; whether it can be used.

        A delta to what we do not know yet cannot: the full report is on its way. A printer that
        never sends one is believed with deltas alone after a while.
        """
        self._report_at = now
        self._woken_at, self._told = None, False
        self._had_full = self._had_full or full
        usable = self._had_full or now - self.connected_at >= self._timing.first_report
        self.reported = self.reported or usable
        return usable

    def _deadlines(self, wants_full: bool) -> list[tuple[float, Step]]:
        timing = self._timing
        found: list[tuple[float, Step]] = []
        if self._woken_at is None:
            quiet = timing.quiet if self.reported else timing.first_report
            found.append((self._report_at + quiet, Step.WAKE))
        elif not self._told:
            found.append((self._woken_at + timing.patience, Step.STALE))
        else:
            found.append((self._woken_at + timing.dead, Step.GIVE_UP))
        if not self._had_full and not self._asked_again:
            found.append((self.connected_at + timing.first_report, Step.ASK_FULL))
        if wants_full:
            found.append((self.full_asked_at + timing.full_reports, Step.ASK_FULL))
        return found

    def due(self, wants_full: bool) -> float:
        """When to look again; ``wants_full``: this printer's deltas do not tell everything."""
        return min(when for when, _ in self._deadlines(wants_full))

    def step(self, now: float, wants_full: bool) -> Optional[Step]:
        """What to do now. Each call moves on."""
        for when, step in sorted(self._deadlines(wants_full), key=lambda deadline: deadline[0]):
            if when > now:
                break
            if step is Step.WAKE:
                self._woken_at = now
            elif step is Step.STALE:
                self._told = True
            elif step is Step.ASK_FULL:
                self._asked_again = True
            return step
        return None
