# The local Klipper as a member, fed as Moonraker feeds it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker's subscription is handed in; here it is a small stand-in with its habits."""

from __future__ import annotations

import asyncio
from typing import Any, Optional

import pytest
from moonfleet.bridges.base import Link, PrinterSettings
from moonfleet.bridges.klipper import KlipperBridge, estimate_of, snapshot_of
from moonfleet.core.commands import Action, Command, Verdict
from moonfleet.core.model import Heater, PrintState
from moonfleet.thermal.types import HeaterState

from tests.unit.fleet.fakes import make_fleet

OBJECTS: dict[str, dict[str, Any]] = {
    "webhooks": {"state": "ready", "state_message": "Printer is ready"},
    "print_stats": {
        "state": "standby",
        "filename": "",
        "print_duration": 0.0,
        "message": "",
        "info": {"total_layer": None, "current_layer": None},
    },
    "virtual_sdcard": {"progress": 0.0},
    "display_status": {"progress": 0.0, "message": None},
    "gcode_move": {"speed_factor": 1.0},
    "fan": {"speed": 0.25, "rpm": None},
    "extruder": {"temperature": 24.8, "target": 0.0, "power": 0.0},
    "heater_bed": {"temperature": 25.1, "target": 60.0, "power": 1.0},
    "heater_generic chamber": {"temperature": 31.0, "target": 0.0, "power": 0.0},
    "toolhead": {"position": [0, 0, 0, 0]},
    "heater_eta": {"eta": 90.0},
    "heater_eta heater_bed": {
        "state": "heating",
        "heating": True,
        "ready": False,
        "eta": 90.0,
        "eta_reached": 80.0,
        "eta_low": 85.0,
        "eta_high": 99.0,
        "progress": 0.1,
        "rate": 0.4,
        "learned": 3,
        "cooldown_eta": None,
    },
}


class Klippy:
    """Moonraker's klippy_apis, as far as the bridge uses it."""

    def __init__(self) -> None:
        self.callback: Any = None
        self.wanted: set[str] = set()
        self.calls: list[str] = []
        self.failure: Optional[Exception] = None
        self.hold: Optional[asyncio.Event] = None

    async def get_object_list(self, default: Any = None) -> list[str]:
        if self.failure is not None:
            raise self.failure
        return list(OBJECTS)

    async def subscribe_objects(self, objects, callback=None, default=None):
        self.callback, self.wanted = callback, set(objects)
        return {name: dict(OBJECTS[name]) for name in objects}

    async def _call(self, name: str) -> str:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure
        if self.hold is not None:
            await self.hold.wait()
        state = {"pause": "paused", "resume": "printing", "cancel": "cancelled"}[name]
        self.callback({"print_stats": {"state": state}}, 1.0)
        return "ok"

    async def pause_print(self) -> str:
        return await self._call("pause")

    async def resume_print(self) -> str:
        return await self._call("resume")

    async def cancel_print(self) -> str:
        return await self._call("cancel")


class Local:
    def __init__(self) -> None:
        self.klippy = Klippy()
        self.fleet, _ = make_fleet()
        self.bridge: Optional[KlipperBridge] = None

    def make(self, _settings, host) -> KlipperBridge:
        self.bridge = KlipperBridge(self.klippy, host, self.fleet.monotonic)
        return self.bridge


@pytest.fixture
async def local():
    local = Local()
    await local.fleet.start()
    await local.fleet.join(PrinterSettings("klipper", "klipper", "Klipper"), local.make)
    yield local
    await local.fleet.stop()


async def test_it_is_ready_with_everything_it_says(local):
    printer = local.fleet.printer("klipper")
    assert printer.connection.state is Link.CONNECTING
    await local.bridge.ready()
    assert printer.online
    snapshot = printer.snapshot
    assert snapshot.state is PrintState.STANDBY and snapshot.job is None
    assert snapshot.heaters == {
        "extruder": Heater(24.8, 0.0),
        "heater_bed": Heater(25.1, 60.0),
        "chamber": Heater(31.0, 0.0),
    }
    assert snapshot.fans == {"part": 0.25} and snapshot.speed_factor == 1.0
    assert "toolhead" not in local.klippy.wanted
    estimate = printer.heaters["heater_bed"]
    assert (estimate.state, estimate.eta, estimate.learned) == (HeaterState.HEATING, 90.0, 3)
    info = printer.to_json()["heaters"]["heater_bed"]
    assert info["ready_at"] == pytest.approx(local.fleet.clock() + 90.0)


async def test_changes_are_merged(local):
    await local.bridge.ready()
    update = local.klippy.callback
    update({"print_stats": {"state": "printing", "filename": "dir/cube.gcode"}}, 2.0)
    update({"print_stats": {"print_duration": 61.5, "info": {"current_layer": 3}}}, 3.0)
    update({"display_status": {"progress": 0.42}, "extruder": {"temperature": 210.0}}, 4.0)
    update({"heater_eta heater_bed": {"state": "ready", "heating": False, "ready": True}}, 4.0)
    update({"toolhead": {"position": [1, 2, 3, 4]}, "webhooks": None}, 5.0)
    printer = local.fleet.printer("klipper")
    job = printer.snapshot.job
    assert (job.name, job.filename, job.progress) == ("cube.gcode", "dir/cube.gcode", 0.42)
    assert (job.print_duration, job.layer, job.layers) == (61.5, 3, None)
    assert printer.snapshot.heaters["extruder"] == Heater(210.0, 0.0)
    assert printer.heaters["heater_bed"].ready
    assert printer.to_json()["heaters"]["heater_bed"]["ready_at"] is None


async def test_shutdown_disconnect_and_return(local):
    await local.bridge.ready()
    printer = local.fleet.printer("klipper")
    local.bridge.shut_down("Lost communication with MCU\nOnce the underlying issue")
    assert printer.connection.state is Link.FAULT
    assert printer.connection.message == (
        "Klipper is shut down: Lost communication with MCU; see klippy.log, then restart it"
    )
    assert printer.heaters == {}
    local.bridge.gone()
    assert printer.connection.state is Link.UNREACHABLE
    local.klippy.callback({"extruder": {"temperature": 99.0}}, 9.0)  # a late straggler
    assert printer.snapshot.heaters["extruder"].temperature == 24.8
    await local.bridge.ready()
    assert printer.online


async def test_a_klippy_that_does_not_answer_is_said(local):
    local.klippy.failure = RuntimeError("Klippy Disconnected")
    await local.bridge.ready()
    connection = local.fleet.printer("klipper").connection
    assert connection.state is Link.FAULT
    assert "Klippy Disconnected" in connection.message


async def test_pause_is_proven_by_print_stats(local):
    await local.bridge.ready()
    local.klippy.callback({"print_stats": {"state": "printing", "filename": "a.gcode"}}, 1.0)
    result = await local.fleet.command("klipper", Command(Action.PAUSE), "api")
    assert result.verdict is Verdict.ACCEPTED
    assert local.klippy.calls == ["pause"]


async def test_a_refusal_of_klipper_is_its_reason(local):
    await local.bridge.ready()
    local.klippy.callback({"print_stats": {"state": "printing", "filename": "a.gcode"}}, 1.0)
    local.klippy.failure = RuntimeError('Unknown command:"PAUSE"')
    result = await local.fleet.command("klipper", Command(Action.PAUSE), "api")
    assert result.verdict is Verdict.REJECTED
    assert result.reason == 'Unknown command:"PAUSE"'


def test_wrong_types_count_as_not_said():
    snapshot = snapshot_of(
        {
            "print_stats": {"state": "dancing", "filename": 7, "info": [], "message": {}},
            "extruder": {"temperature": "hot", "target": float("nan")},
            "heater_bed": {"temperature": True},
            "gcode_move": {},
            "fan": {"speed": None},
        }
    )
    assert snapshot.state is None and snapshot.job is None and snapshot.message is None
    assert snapshot.heaters == {"extruder": Heater(None, None), "heater_bed": Heater(None, None)}
    assert snapshot.fans == {} and snapshot.speed_factor is None
    assert snapshot_of({}).state is None


def test_an_estimate_of_nonsense_is_unknown():
    estimate = estimate_of({"state": "boiling", "eta": "soon", "learned": None}, 0.0)
    assert estimate.state is HeaterState.UNKNOWN
    assert estimate.eta is None and estimate.learned == 0 and not estimate.heating
