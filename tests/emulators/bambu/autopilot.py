# A printer that prints by itself, for the demo
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""idle a while -> print -> in every second print a pause -> print -> done, for ever."""

from __future__ import annotations

from typing import Callable, Optional

from .machine import Machine, playlist

IDLE = 8.0  # s between two jobs
PAUSED = 8.0
PAUSE_AT = 0.45  # of a print
OWN_PAUSES = 2  # it pauses every so many prints by itself


class Autopilot:
    """``start(name, seconds, layers)`` begins a job, as somebody at the screen would."""

    def __init__(self, machine: Machine, start: Callable[[str, float, int], object]) -> None:
        self._machine = machine
        self._start = start
        self._jobs = playlist()
        self._idle = 0.0
        self._held = 0.0
        self._paused_run = 0
        self._pause: Optional[str] = None  # of our own: asked, held

    def advance(self, real: float) -> None:
        machine = self._machine
        self._idle = 0.0 if machine.busy else self._idle + real
        if self._idle >= IDLE:
            self._start(*next(self._jobs))
            self._idle, self._pause = 0.0, None
        elif machine.state == "RUNNING":
            self._print()
        elif machine.state == "PAUSE" and self._pause is not None:
            self._held = self._held + real if self._pause == "held" else 0.0
            self._pause = "held"
            if self._held >= PAUSED:
                self._pause = None
                machine.resume()

    def _print(self) -> None:
        if self._pause == "held":
            self._pause = None  # somebody let it go on; the next pause is not ours
        job, run = self._machine.job, self._machine.runs
        due = run % OWN_PAUSES == 0 and job is not None and job.done >= PAUSE_AT * job.seconds
        if due and self._paused_run != run and self._machine.pause():
            self._paused_run, self._pause = run, "asked"
