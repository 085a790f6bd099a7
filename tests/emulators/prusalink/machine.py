# The printer behind the server: heaters, one job at a time, and its own will
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Advances whenever somebody looks at it. Seconds are wall seconds; ``speed`` makes heaters react
faster and prints shorter, nothing else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Optional

from .files import StoredFile

AMBIENT = 24.0
STEP = 0.25  # simulated seconds
MOST_STEPS = 4000
PAUSING = 0.4  # s until a pause or resume shows
PARKING = 1.0  # s from a stop to STOPPED, and from the last layer to FINISHED
FIRST_M73 = 3.0  # s of print before the Python server believes in the new job


@dataclass
class Thermal:
    gain: float  # C above ambient at full power
    tau: float  # s
    temperature: float = AMBIENT
    target: float = 0.0

    def step(self, dt: float) -> None:
        error = self.target - self.temperature
        hold = max(0.0, (self.target - AMBIENT) / self.gain)
        power = min(1.0, max(0.0, hold + error / 8.0)) if self.target > 0 else 0.0
        self.temperature += (AMBIENT + self.gain * power - self.temperature) * dt / self.tau

    @property
    def near(self) -> bool:
        return self.temperature >= self.target - 1.5


@dataclass
class PrintJob:
    id: int
    file: StoredFile
    length: float  # wall seconds of printing
    elapsed: float = 0.0
    printing: bool = False  # false while it heats
    stopping_at: Optional[float] = None
    parked_at: Optional[float] = None
    pause_at: Optional[float] = None
    resume_at: Optional[float] = None

    @property
    def progress(self) -> float:
        return min(1.0, self.elapsed / self.length) if self.length > 0 else 1.0


class Machine:
    """States are PrusaLink's own words."""

    def __init__(
        self,
        speed: float = 1.0,
        print_seconds: float = 1800.0,
        finish_window: Callable[[], Optional[float]] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        first_id: int = 1,
    ) -> None:
        self.speed = speed
        self.print_seconds = print_seconds
        self.clock = clock
        self.nozzle = Thermal(gain=330.0, tau=110.0)
        self.bed = Thermal(gain=105.0, tau=420.0)
        self.state = "IDLE"
        self.job: Optional[PrintJob] = None
        self.last_progress = 0.0  # what the Python server shows of the job before
        self.next_id = first_id
        self.id_modulus = 1 << 16  # Buddy; the Python server keeps 32 bits
        self.message: Optional[str] = None
        self.z = 0.15
        self.material = "PLA"  # in the active tool
        self.telemetry = True
        self.pausing, self.parking, self.step = PAUSING, PARKING, STEP
        self.autopilot: Optional[Callable[[Machine], None]] = None
        self._finish_window = finish_window
        self.last_end: Optional[str] = None  # the word of how the last job ended
        self._ended_at = 0.0
        self._seen = clock()
        self._rest = 0.0

    # -- what happens to it -----------------------------------------------------------------

    def start_print(self, file: StoredFile) -> bool:
        self.advance()
        return self.start_print_now(file)

    def start_print_now(self, file: StoredFile) -> bool:
        """The same from within ``advance``."""
        if self.state not in ("IDLE", "READY", "FINISHED", "STOPPED"):
            return False
        self.job = PrintJob(self.next_id, file, self.print_seconds * file.share / self.speed)
        self.next_id = (self.next_id + 1) % self.id_modulus
        self.nozzle.target, self.bed.target = 215.0, 60.0
        self.state, self.message = "PRINTING", None
        return True

    def pause(self) -> bool:
        self.advance()
        if self.job is None or self.state != "PRINTING" or self.job.stopping_at is not None:
            return False
        self.job.pause_at = self.clock() + self.pausing
        return True

    def resume(self) -> bool:
        self.advance()
        if self.job is None or self.state != "PAUSED":
            return False
        self.job.resume_at = self.clock() + self.pausing
        return True

    def stop(self) -> bool:
        self.advance()
        if self.job is None or self.state not in ("PRINTING", "PAUSED", "ATTENTION"):
            return False
        self.state = "PRINTING"  # it parks first
        self.job.stopping_at = self.clock() + self.parking
        return True

    def finish(self) -> None:
        """The job reaches its end now."""
        self.advance()
        if self.job is not None:
            self.job.elapsed, self.job.printing = self.job.length, True
            self._end("FINISHED")

    def attention(self, on: bool = True) -> None:
        self.advance()
        self.state = "ATTENTION" if on else ("PRINTING" if self.job else "IDLE")

    def busy(self, on: bool = True) -> None:
        """Crash recovery, power panic, a menu: nothing is said of the job meanwhile."""
        self.advance()
        self.state = "BUSY" if on else ("PRINTING" if self.job else "IDLE")

    def fail(self, message: str) -> None:
        self.advance()
        if self.job is not None:
            self._end("ERROR")
        self.state, self.message = "ERROR", message

    def vanish(self) -> None:
        """The job is gone and nobody says how it ended."""
        self.advance()
        if self.job is not None:
            self._end("IDLE")

    def reboot(self) -> None:
        self.advance()
        if self.job is not None:
            self._end("IDLE")
        self.state, self.message = "IDLE", None

    def dismiss(self) -> None:
        """Somebody taps the end screen away."""
        self.advance()
        if self.state in ("FINISHED", "STOPPED"):
            self.state = "IDLE"

    def set_ready(self, ready: bool) -> bool:
        self.advance()
        if self.state not in ("IDLE", "READY"):
            return False
        self.state = "READY" if ready else "IDLE"
        return True

    # -- time -------------------------------------------------------------------------------

    def advance(self) -> None:
        now = self.clock()
        wall = max(0.0, now - self._seen)
        self._seen = now
        simulated = wall * self.speed + self._rest
        steps = min(MOST_STEPS, int(simulated / self.step))
        self._rest = simulated - int(simulated / self.step) * self.step
        for _ in range(steps):
            self.nozzle.step(self.step)
            self.bed.step(self.step)
        if self.job is not None:
            self._advance_job(self.job, wall, now)
        window = self._finish_window()
        ended = self.state in ("FINISHED", "STOPPED")
        if window is not None and ended and now - self._ended_at >= window:
            self.state = "IDLE"
        if self.autopilot is not None:
            self.autopilot(self)

    def _advance_job(self, job: PrintJob, wall: float, now: float) -> None:
        if job.stopping_at is not None:
            if now >= job.stopping_at:
                self._end("STOPPED")
            return
        if self.state == "PRINTING":
            if not job.printing:
                job.printing = self.nozzle.near and self.bed.near
            else:
                job.elapsed = min(job.length, job.elapsed + wall)
                self.z = 0.2 + 20.0 * job.progress
        if job.pause_at is not None and now >= job.pause_at and self.state == "PRINTING":
            self.state, job.pause_at = "PAUSED", None
        if job.resume_at is not None and now >= job.resume_at and self.state == "PAUSED":
            self.state, job.resume_at = "PRINTING", None
        if job.elapsed >= job.length and self.state == "PRINTING":
            job.parked_at = job.parked_at or now + self.parking
            if now >= job.parked_at:
                self._end("FINISHED")

    def _end(self, state: str) -> None:
        assert self.job is not None
        self.last_progress = self.job.progress
        self.job = None
        self.state = self.last_end = state
        self._ended_at = self.clock()
        if state != "ERROR":
            self.nozzle.target = self.bed.target = 0.0
