# The body of the emulated printer: heaters, a job, fans, lights, faults of its own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""State that goes on by itself. No protocol here: ``advance`` moves it, methods command it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from . import plant
from .models import Model

CANCEL_ECHO = 0x0300400C
SPEEDS = {1: 50, 2: 100, 3: 124, 4: 166}
ACTIVE = ("PREPARE", "RUNNING", "PAUSE")


@dataclass
class Job:
    name: str
    file: str
    seconds: float  # of printing at standard speed
    layers: int
    task_id: str = "0"
    subtask_id: str = "0"
    origin: str = "local"
    nozzle: float = 220.0
    bed: float = 60.0
    chamber: float = 0.0
    done: float = 0.0  # seconds of printing done


class Machine:
    def __init__(self, model: Model, speed: float = 1.0, echo: str = "after") -> None:
        self.model = model
        self.speed = speed
        self.echo = echo  # when the cancel code comes: before, after, none
        self.state = "IDLE"
        self.stage = self.idle_stage
        self.job: Optional[Job] = None
        self.nozzles = [plant.hotend() for _ in range(model.nozzles)]
        self.bed = plant.bed()
        self.chamber = plant.chamber()
        self.print_error = 0
        self.hms: list[tuple[int, int]] = []
        self.speed_level = 2
        self.fans = {"part": 0, "aux": 0, "chamber": 0, "heatbreak": 0}
        self.lights = dict.fromkeys(model.lights, "on")
        self.tray_now = 255
        self.drying: dict[int, tuple[float, int]] = {}  # unit -> (minutes left, degrees)
        self.skipped: list[int] = []
        self.runs = 0
        self._timers: list[tuple[float, str]] = []  # real seconds left, what then

    @property
    def idle_stage(self) -> int:
        return -1 if self.model.device else 255 if self.model.name == "P1S" else 0

    # -- commands --------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self.state in ACTIVE

    def start(self, job: Job) -> bool:
        if self.busy:
            return False
        self.job = job
        self.runs += 1
        self.print_error = 0
        self._timers.clear()
        if self.model.device:
            # The new name shows while the old state still stands.
            self.state = "FINISH"
            self._timers.append((0.5, "prepare"))
        else:
            self._prepare()
        return True

    def _prepare(self) -> None:
        job = self.job
        if job is None:
            return
        self.state, self.stage = "PREPARE", 2
        self.bed.target, self.nozzles[0].target = job.bed, job.nozzle
        self.chamber.target = job.chamber if self.model.chamber == "heater" else 0.0
        self.fans["heatbreak"] = 15
        self.tray_now = 0 if self.model.ams else 254

    def pause(self) -> bool:
        if self.state != "RUNNING":
            return False
        self._timers.append((0.3, "pause"))
        return True

    def resume(self) -> bool:
        if self.state != "PAUSE":
            return False
        self._timers.append((0.3, "resume"))
        return True

    def stop(self) -> bool:
        if not self.busy:
            return False
        if self.echo == "before":
            self.print_error = CANCEL_ECHO
            self._timers += [(2.0, "fail"), (3.0, "clear")]
        else:
            self._timers.append((0.6, "fail"))
            if self.echo == "after":
                self._timers.append((5.2, "echo"))
        return True

    def fail(self, error: int) -> None:
        """The print ends by a fault of the machine."""
        self.print_error = error
        self._end("FAILED")

    def hold(self, error: int) -> None:
        """The print pauses by itself, say because the spool has run out."""
        if self.state == "RUNNING":
            self.print_error = error
            self._do("pause")

    def reboot(self) -> None:
        self.state, self.stage, self.job = "IDLE", self.idle_stage, None
        self.print_error = 0
        self._timers.clear()
        self._cold()

    # -- time ------------------------------------------------------------------------------

    def advance(self, real: float) -> None:
        simulated = real * self.speed
        for heater in (*self.nozzles, self.bed, self.chamber):
            heater.advance(simulated)
        for unit, (minutes, degrees) in list(self.drying.items()):
            left = minutes - simulated / 60.0
            if left > 0:
                self.drying[unit] = (left, degrees)
            else:
                del self.drying[unit]
        due = [(left - real, what) for left, what in self._timers]
        self._timers = [item for item in due if item[0] > 0]
        for left, what in due:
            if left <= 0:
                self._do(what)
        self._go_on(simulated)

    def _do(self, what: str) -> None:
        if what == "prepare":
            self._prepare()
        elif what == "pause" and self.state == "RUNNING":
            self.state = "PAUSE"
        elif what == "resume" and self.state == "PAUSE":
            self.state, self.print_error = "RUNNING", 0
        elif what == "fail" and self.busy:
            self._end("FAILED")
        elif what == "echo":
            self.print_error = CANCEL_ECHO
        elif what == "clear" and self.print_error == CANCEL_ECHO:
            self.print_error = 0

    def _go_on(self, simulated: float) -> None:
        job = self.job
        if job is None:
            return
        if self.state == "PREPARE":
            if not self.bed.ready:
                self.stage = 2
            elif not self.nozzles[0].ready:
                self.stage = 7
            else:
                self.state, self.stage = "RUNNING", 0
                self.fans.update(part=11, aux=5)
        elif self.state == "RUNNING":
            job.done += simulated * SPEEDS[self.speed_level] / 100.0
            if job.done >= job.seconds:
                job.done = job.seconds
                self._end("FINISH")

    def _end(self, state: str) -> None:
        self.state, self.stage = state, self.idle_stage
        self._cold()

    def _cold(self) -> None:
        for heater in (*self.nozzles, self.bed, self.chamber):
            heater.target = 0.0
        self.fans.update(part=0, aux=0, chamber=0, heatbreak=0)
        self.tray_now = 255

    # -- what shows ------------------------------------------------------------------------

    @property
    def percent(self) -> int:
        return int(100 * self.job.done / self.job.seconds) if self.job else 0

    @property
    def minutes_left(self) -> int:
        if self.job is None or not self.busy:
            return 0
        real = (self.job.seconds - self.job.done) * 100.0 / SPEEDS[self.speed_level]
        return int(real / self.speed / 60.0 + 0.999)

    @property
    def layer(self) -> int:
        return int(self.job.layers * self.job.done / self.job.seconds) if self.job else 0


def playlist() -> Iterator[tuple[str, float, int]]:
    """(name, seconds, layers) for ever, for printers that work by themselves."""
    while True:
        yield "Benchy", 1800.0, 240
        yield "Cable clip x8", 600.0, 60
        yield "Planter", 5400.0, 410
