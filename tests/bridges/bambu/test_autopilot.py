# The emulated printer that works by itself
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""It prints, pauses every second print, goes on, and keeps out of anybody else's pauses."""

from __future__ import annotations

from tests.emulators.bambu.autopilot import IDLE, PAUSED, Autopilot
from tests.emulators.bambu.machine import Job, Machine
from tests.emulators.bambu.models import model

STEP = 0.1


class Show:
    """Drives the machine and its autopilot; keeps the states in order."""

    def __init__(self) -> None:
        self.machine = Machine(model("P1S"), speed=20.0)
        self.autopilot = Autopilot(self.machine, self._start)
        self.states = ["IDLE"]
        self.time = 0.0

    def _start(self, name: str, seconds: float, layers: int) -> bool:
        return self.machine.start(Job(name, name, min(seconds, 120.0), layers))

    def run(self, until: str, limit: float = 300.0) -> None:
        end = self.time + limit
        while self.time < end:
            self.time += STEP
            self.machine.advance(STEP)
            self.autopilot.advance(STEP)
            if self.machine.state != self.states[-1]:
                self.states.append(self.machine.state)
                if self.machine.state == until:
                    return
        raise AssertionError(f"never {until}: {self.states}")


def test_it_prints_pauses_and_goes_on_by_itself():
    show = Show()
    show.run("FINISH")
    assert show.states == ["IDLE", "PREPARE", "RUNNING", "FINISH"]
    show.run("PREPARE")
    show.run("PAUSE")
    before = show.time
    show.run("RUNNING")
    assert PAUSED <= show.time - before <= PAUSED + 1.0
    show.run("FINISH")
    assert show.states.count("PAUSE") == 1, "one pause in one print"
    assert show.machine.nozzles[0].target == 0.0


def test_somebody_elses_pause_stays():
    show = Show()
    show.run("RUNNING")
    assert show.machine.pause()
    show.run("PAUSE")
    for _ in range(int(3 * PAUSED / STEP)):
        show.machine.advance(STEP)
        show.autopilot.advance(STEP)
    assert show.machine.state == "PAUSE"


def test_a_pause_that_somebody_ended_is_not_ended_again():
    show = Show()
    show.run("FINISH")
    show.run("PAUSE")
    assert show.machine.resume()
    show.run("RUNNING")
    assert show.machine.pause()
    show.run("PAUSE")
    for _ in range(int(3 * PAUSED / STEP)):
        show.machine.advance(STEP)
        show.autopilot.advance(STEP)
    assert show.machine.state == "PAUSE"


def test_it_waits_a_while_between_two_jobs():
    show = Show()
    show.run("PREPARE")
    assert IDLE <= show.time <= IDLE + 1.0
