# Events: few, typed, each told once
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One test per rule of docs/external_api.md, section Events."""

from __future__ import annotations

import dataclasses

import pytest
from moonfleet.bridges.base import Connection, Link
from moonfleet.core.commands import Action, Command
from moonfleet.core.model import Fault, PrintState, Severity
from moonfleet.events import CLEARED_AFTER, OFFLINE_AFTER, ONLINE_AFTER, TYPES
from moonfleet.thermal.types import UNKNOWN_ESTIMATE, HeaterState

from tests.unit.fleet.fakes import Clock, FakeBridge, heated, make_fleet, shot

FAULT = Fault("0700_2000_0002_0001", Severity.SERIOUS)


class World:
    """A fleet of one whose clock is moved by hand."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fleet, bridges = make_fleet("x1c", clock=self.clock)
        self.bridge: FakeBridge = bridges["x1c"]
        self.bridge.predicts = True  # so that the test says what is estimated
        self.events: list[dict] = []
        self.fleet.listen_events(self.events.append)

    def recent(self) -> list[dict]:
        """Newest first."""
        return self.events[::-1]

    @property
    def told(self) -> list[str]:
        return [event["type"] for event in reversed(self.recent())]

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            self.fleet.events.tick()

    def lose(self) -> None:
        self.bridge.host.on_connection(Connection(Link.UNREACHABLE, "cable"))

    def heaters(self, **states: HeaterState) -> None:
        estimates = {
            name: dataclasses.replace(
                UNKNOWN_ESTIMATE,
                state=state,
                heating=state in (HeaterState.HEATING, HeaterState.SETTLING),
                ready=state is HeaterState.READY,
                cooldown_eta=600.0 if state is HeaterState.COOLING else None,
            )
            for name, state in states.items()
        }
        self.bridge.host.on_heaters(estimates)


@pytest.fixture
async def world():
    world = World()
    await world.fleet.start()
    yield world
    await world.fleet.stop()
    assert set(world.told) <= set(TYPES)


def test_first_contact_is_told_at_once(world):
    world.bridge.online(shot())
    assert world.told == ["printer_online"]


def test_a_short_absence_is_not_told(world):
    world.bridge.online(shot())
    for _ in range(10):
        world.lose()
        world.wait(OFFLINE_AFTER - 5)
        world.bridge.online(shot())
        world.wait(1)
    assert world.told == ["printer_online"]


def test_a_long_absence_is_told_once_and_so_is_the_return(world):
    world.bridge.online(shot())
    world.lose()
    left = world.clock.unix
    world.wait(OFFLINE_AFTER * 3)
    assert world.told == ["printer_online", "printer_offline"]
    assert world.recent()[0]["since"] == left
    world.bridge.online(shot())
    world.wait(ONLINE_AFTER)
    assert world.told[2:] == ["printer_online"]


def test_a_clock_that_is_set_is_no_absence(world):
    world.bridge.online(shot(faults=(FAULT,)))
    world.lose()
    world.clock.unix += 3600 * 24 * 365
    world.wait(OFFLINE_AFTER - 5)
    world.bridge.online(shot())
    world.clock.unix -= 3600 * 24 * 400
    world.wait(CLEARED_AFTER - 3)
    assert world.told == ["printer_online", "fault"]


def test_a_return_that_does_not_last_is_not_told(world):
    world.bridge.online(shot())
    world.lose()
    world.wait(OFFLINE_AFTER)
    for _ in range(5):
        world.bridge.online(shot())
        world.wait(ONLINE_AFTER - 2)
        world.lose()
        world.wait(5)
    assert world.told == ["printer_online", "printer_offline"]


def test_a_start_of_a_print_is_no_disconnect(world):
    world.bridge.online(shot())
    world.bridge.host.on_connection(Connection(Link.STALE, "busy"))
    world.wait(10)
    world.bridge.online(shot(PrintState.PRINTING))
    world.wait(OFFLINE_AFTER)
    assert world.told == ["printer_online", "job_started"]


def test_a_fault_is_told_once_and_cleared_when_it_stays_away(world):
    world.bridge.online(shot(faults=(FAULT,)))
    for _ in range(5):  # it flickers
        world.wait(3)
        world.bridge.host.on_snapshot(shot())
        world.wait(CLEARED_AFTER - 3)
        world.bridge.host.on_snapshot(shot(faults=(FAULT,)))
    assert world.told == ["printer_online", "fault"]
    world.bridge.host.on_snapshot(shot())
    world.wait(CLEARED_AFTER + 1)
    assert world.told == ["printer_online", "fault", "fault_cleared"]
    event = world.recent()[1]
    assert (event["code"], event["severity"], event["printer"]) == (FAULT.code, "serious", "x1c")


def test_a_fault_is_not_cleared_by_silence_and_hints_are_not_told(world):
    hint = Fault("0500_0300_0004_0001", Severity.INFO)
    world.bridge.online(shot(faults=(FAULT, hint)))
    world.lose()
    world.wait(CLEARED_AFTER * 2)
    world.bridge.online(shot(faults=(FAULT, hint)))
    world.wait(CLEARED_AFTER * 2)
    assert [t for t in world.told if "fault" in t] == ["fault"]


def test_the_steps_of_a_job(world):
    world.bridge.online(shot())
    world.heaters(heater_bed=HeaterState.COOLING)
    for state in (PrintState.PRINTING, PrintState.PAUSED, PrintState.PRINTING, PrintState.COMPLETE):
        world.wait(60)
        world.bridge.host.on_snapshot(shot(state, progress=1.0))
    assert world.told[1:] == ["job_started", "job_paused", "job_resumed", "job_finished"]
    started, finished = world.recent()[3], world.recent()[0]
    assert started["job_id"] == finished["job_id"]
    assert finished["status"] == "completed" and finished["name"] == "cube"
    assert finished["bed_cool_at"] == pytest.approx(world.clock.unix + 600.0)


def test_a_heater_is_ready_once_per_target(world):
    world.bridge.online(shot(heaters=heated(20.0, 210.0)))
    for state in (HeaterState.HEATING, HeaterState.READY, HeaterState.SETTLING, HeaterState.READY):
        world.heaters(extruder=state)
    assert world.told == ["printer_online", "heater_ready"]
    world.bridge.host.on_snapshot(shot(heaters=heated(210.0, 230.0)))
    world.heaters(extruder=HeaterState.HEATING)
    world.heaters(extruder=HeaterState.READY)
    assert world.told == ["printer_online", "heater_ready", "heater_ready"]
    event = world.recent()[0]
    assert (event["heater"], event["target"]) == ("extruder", 230.0)


def test_a_heater_that_was_ready_when_we_came_is_no_event(world):
    world.bridge.online(shot(heaters=heated(210.0, 210.0)))
    world.heaters(extruder=HeaterState.READY)
    assert world.told == ["printer_online"]


def test_nor_one_that_only_seems_to_settle_because_we_have_just_come(world):
    world.bridge.online(shot(heaters=heated(209.6, 210.0)))
    for state in (HeaterState.UNKNOWN, HeaterState.SETTLING, HeaterState.READY):
        world.heaters(extruder=state)
    assert world.told == ["printer_online"]
    world.bridge.host.on_snapshot(shot(heaters=heated(210.0, 230.0)))
    world.heaters(extruder=HeaterState.HEATING)
    world.heaters(extruder=HeaterState.READY)
    assert world.told == ["printer_online", "heater_ready"]


def test_an_absence_does_not_make_a_heater_ready_again(world):
    world.bridge.online(shot(heaters=heated(20.0, 210.0)))
    for state in (HeaterState.HEATING, HeaterState.READY):
        world.heaters(extruder=state)
    for state in (HeaterState.UNKNOWN, HeaterState.SETTLING, HeaterState.READY):
        world.heaters(extruder=state)
    assert world.told == ["printer_online", "heater_ready"]


def test_the_bed_is_cool_once_after_a_job(world):
    world.bridge.online(shot())
    world.heaters(heater_bed=HeaterState.COOLED)
    assert "bed_cool" not in world.told  # nothing lies on it
    world.bridge.host.on_snapshot(shot(PrintState.PRINTING))
    world.heaters(heater_bed=HeaterState.READY)
    world.bridge.host.on_snapshot(
        shot(PrintState.COMPLETE, progress=1.0, heaters=heated(29.0, 0.0, "heater_bed"))
    )
    world.heaters(heater_bed=HeaterState.COOLING)
    world.heaters(heater_bed=HeaterState.COOLED)
    world.heaters(heater_bed=HeaterState.COOLING)
    world.heaters(heater_bed=HeaterState.COOLED)
    assert world.told.count("bed_cool") == 1
    assert world.recent()[0]["temperature"] == 29.0


def test_a_firmware_update_is_told_and_the_first_sight_is_not(world):
    world.bridge.online(shot(firmware="01.08.00.00"))
    world.bridge.host.on_snapshot(shot())
    world.bridge.host.on_snapshot(shot(firmware="01.08.00.00"))
    assert world.told == ["printer_online"]
    world.bridge.host.on_snapshot(shot(firmware="01.09.00.00"))
    assert world.told == ["printer_online", "firmware_changed"]
    event = world.recent()[0]
    assert (event["before"], event["firmware"]) == ("01.08.00.00", "01.09.00.00")


async def test_commands_are_told_with_their_end():
    world = World()
    await world.fleet.start()
    world.bridge.online(shot(PrintState.PRINTING))
    await world.fleet.command("x1c", Command(Action.PAUSE), "panel")
    world.bridge.obeys = False
    await world.fleet.command("x1c", Command(Action.RESUME), "panel")
    await world.fleet.stop()
    done, failed = (e for e in reversed(world.recent()) if "action_" in e["type"])
    assert (done["type"], done["action"], done["origin"]) == ("action_confirmed", "pause", "panel")
    assert (failed["type"], failed["result"]) == ("action_rejected", "unconfirmed")


def test_ids_go_on_where_an_earlier_life_stopped(world):
    world.fleet.events.continue_after(41)
    world.bridge.online(shot())
    world.fleet.events.continue_after(7)
    world.bridge.host.on_snapshot(shot(PrintState.PRINTING))
    assert [event["id"] for event in world.events] == [42, 43]
