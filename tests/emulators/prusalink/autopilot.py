# A printer that prints by itself, for the demo
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""idle a while -> print -> a pause in the middle -> print -> done -> somebody takes the part."""

from __future__ import annotations

from typing import Optional

from .files import Storage
from .machine import Machine

IDLE = 12.0  # s
PAUSED = 8.0
DONE = 15.0  # the part lies on the bed; longer than the Python server shows it
PAUSE_AT = 0.45
OWN_PAUSES = 2  # it pauses every so many prints by itself


class Autopilot:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._state: Optional[str] = None
        self._since = 0.0
        self._prints = 0
        self._paused_job: Optional[int] = None
        self._own_pause = False

    def __call__(self, machine: Machine) -> None:
        now = machine.clock()
        if machine.state != self._state:
            self._state, self._since = machine.state, now
        spent = now - self._since
        job = machine.job
        if machine.state in ("IDLE", "READY") and spent >= IDLE and job is None:
            files = sorted(self._storage.files.values(), key=lambda file: file.path)
            if files:
                machine.start_print_now(files[self._prints % len(files)])
                self._prints += 1
        elif machine.state in ("FINISHED", "STOPPED") and spent >= DONE:
            machine.state = "IDLE"
        elif machine.state == "PRINTING" and job is not None:
            due = self._prints % OWN_PAUSES == 0 and job.progress >= PAUSE_AT
            if due and self._paused_job != job.id:
                self._paused_job, self._own_pause = job.id, True
                job.pause_at = now
            elif job.pause_at is None:
                self._own_pause = False  # it goes on; the next pause is somebody else's
        elif machine.state == "PAUSED" and job is not None and job.resume_at is None:
            enough = self._own_pause and spent >= PAUSED
            job.resume_at = now if enough else None
