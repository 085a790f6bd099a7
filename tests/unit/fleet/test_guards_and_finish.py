# Guard rules are carried out and verified; the finish learns from the past
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The rules themselves are held by the tests of core.guards and core.finish."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from moonfleet.bridges.base import Connection, Link
from moonfleet.core.finish import Correction
from moonfleet.core.guards import GuardAction, GuardRules
from moonfleet.core.model import Fault, Job, PrintState, Severity
from moonfleet.thermal.types import UNKNOWN_ESTIMATE, HeaterState

from tests.unit.fleet.fakes import Clock, make_fleet, shot

CODE = "0300_0100_0001_0001"
PAUSING = GuardRules(fault_codes=frozenset({CODE}), offline=60.0, action=GuardAction.PAUSE)


class World:
    def __init__(self, rules: GuardRules) -> None:
        self.clock = Clock()
        self.fleet, bridges = make_fleet("x1c", clock=self.clock, guards=rules)
        self.bridge = bridges["x1c"]
        self.alerts: asyncio.Queue[dict] = asyncio.Queue()
        self.fleet.listen_events(self._event)

    def _event(self, event: dict) -> None:
        if event["type"] == "guard":
            self.alerts.put_nowait(event)

    async def __aenter__(self) -> World:
        await self.fleet.start()
        self.bridge.online(shot(PrintState.PRINTING))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.fleet.stop()

    def fault(self) -> None:
        fault = Fault(CODE, Severity.SERIOUS)
        self.bridge.host.on_snapshot(shot(PrintState.PRINTING, faults=(fault,)))


async def test_a_pause_is_carried_out_verified_and_told():
    async with World(PAUSING) as world:
        world.fault()
        event = await asyncio.wait_for(world.alerts.get(), 10)
        assert (event["rule"], event["subject"]) == ("fault_codes", CODE)
        assert (event["action"], event["result"]) == ("pause", "accepted")
        assert world.fleet.printer("x1c").snapshot.state is PrintState.PAUSED


@pytest.mark.parametrize(
    ("obeys", "refuses", "result", "reason"),
    [
        (False, None, "unconfirmed", "did not show it in time"),
        (True, "developer mode is off", "rejected", "developer mode is off"),
    ],
)
async def test_a_printer_that_does_not_obey_is_reported(obeys, refuses, result, reason):
    async with World(PAUSING) as world:
        world.bridge.obeys, world.bridge.refuses = obeys, refuses
        world.fault()
        event = await asyncio.wait_for(world.alerts.get(), 10)
        assert event["result"] == result and reason in event["reason"]
        for _ in range(5):
            world.fault()
        assert world.alerts.empty()  # once per trouble
        assert len(world.bridge.sent) == 1


async def test_out_of_reach_is_told_by_the_clock_alone():
    async with World(PAUSING) as world:
        world.bridge.host.on_connection(Connection(Link.UNREACHABLE, "cable"))
        for _ in range(70):
            world.clock.advance(1.0)
            world.fleet._members["x1c"].tick(world.clock.time())
        event = world.alerts.get_nowait()
        assert (event["rule"], event["action"], event["result"]) == ("offline", "notify", None)


async def test_without_rules_nothing_is_watched():
    async with World(GuardRules()) as world:
        world.fault()
        assert world.fleet._members["x1c"].guard is None
        assert world.alerts.empty()


async def test_the_finish_is_corrected_and_waits_for_the_heaters():
    async with World(GuardRules()) as world:
        printer = world.fleet.printer("x1c")
        assert printer.to_json()["job"]["finish"] is None  # it did not say how long
        shown = Job(name="cube", filename="cube.gcode", progress=0.5, time_left=1000.0)
        world.bridge.host.on_snapshot(dataclasses.replace(shot(PrintState.PRINTING), job=shown))
        finish = printer.to_json()["job"]["finish"]
        assert (finish["time_left"], finish["learned"]) == (1000, False)
        printer.correction = Correction(ratio=1.2, low=1.1, high=1.3, samples=9)
        finish = printer.to_json()["job"]["finish"]
        assert finish == {"time_left": 1200, "low": 1100, "high": 1300, "learned": True}
        begun = dataclasses.replace(shown, progress=0.0)
        world.bridge.host.on_snapshot(dataclasses.replace(shot(PrintState.PRINTING), job=begun))
        world.bridge.predicts = True
        heating = dataclasses.replace(
            UNKNOWN_ESTIMATE, state=HeaterState.HEATING, heating=True, eta=90.0
        )
        world.bridge.host.on_heaters({"extruder": heating})
        assert printer.to_json()["job"]["finish"]["time_left"] == 1290
        world.bridge.host.on_snapshot(shot(PrintState.STANDBY))
        assert printer.finish() is None
