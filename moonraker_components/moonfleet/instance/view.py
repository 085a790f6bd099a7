# Everything a virtual printer's objects are made of, at one moment
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure data: the one argument of every object builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..core.commands import Action
from ..core.model import PrinterSnapshot

#: seconds of a pause-free print below which remaining time cannot be turned into a share
MIN_DURATION = 1.0
EXTRUDERS = ("extruder", "extruder1")


@dataclass(frozen=True)
class View:
    name: str
    display_name: str
    snapshot: PrinterSnapshot
    online: bool = True
    connecting: bool = False
    connection_message: Optional[str] = None
    heaters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # HeaterEta JSON
    actions: frozenset[Action] = frozenset()  # permitted by `control` and possible
    total_duration: Optional[float] = None
    print_duration: Optional[float] = None
    learned_left: Optional[float] = None  # s; with `finish_estimate: learned`
    filament_panel: str = "afc"
    #: objects that were there once stay what they are: a chamber that was heated is a heater
    sticky: frozenset[str] = frozenset()
    hide_message: bool = False  # a person has closed the message of the filament panel

    def can(self, action: Action) -> bool:
        return action in self.actions

    @property
    def reported(self) -> bool:
        """Whether the printer has said anything yet."""
        snapshot = self.snapshot
        return snapshot.state is not None or bool(snapshot.heaters)

    @property
    def klippy_state(self) -> tuple[str, str]:
        """What stands for Klipper's state, and the sentence shown with it."""
        who = self.display_name or self.name
        if self.online and self.reported:
            return "ready", "Printer is ready"
        if self.online or self.connecting:
            return "startup", self.connection_message or f"Waiting for the first report of {who}"
        return "shutdown", self.connection_message or f"{who} is not connected"

    @property
    def duration(self) -> Optional[float]:
        """Seconds printed, by the printer's own word or else as the fleet has measured."""
        job = self.snapshot.job
        if job is not None and job.print_duration is not None:
            return job.print_duration
        return self.print_duration

    @property
    def progress(self) -> Optional[float]:
        """0..1 such that the interfaces' ``duration / progress - duration`` is the time left."""
        job = self.snapshot.job
        if job is None:
            return None
        duration = self.duration
        left = job.time_left if self.learned_left is None else self.learned_left
        if duration is not None and duration >= MIN_DURATION and left is not None and left > 0:
            return duration / (duration + left)
        return job.progress

    @property
    def filename(self) -> str:
        """The name under which the interfaces list the job's file; '' without a job."""
        job = self.snapshot.job
        if job is None:
            return ""
        name = job.filename or job.name or ""
        name = name.replace("\\", "/").rsplit("/", 1)[-1]
        if name.lower().endswith(".gcode.3mf"):
            return name[: -len(".3mf")]
        return name
