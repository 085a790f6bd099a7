# G-code of the interfaces -> commands, or a sentence
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every line that the interfaces send for a virtual printer has a meaning or a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from moonfleet.core.commands import Action, Control
from moonfleet.core.model import PrinterSnapshot, PrintState
from moonfleet.instance.gcode import translate

from .house import House, printing, view

DONE: list[tuple[str, Action, dict[str, Any]]] = [
    (
        "SET_HEATER_TEMPERATURE HEATER=extruder TARGET=205",
        Action.TEMPERATURE,
        {"heater": "extruder", "target": 205.0},
    ),
    (
        "set_heater_temperature heater=heater_bed target=60",
        Action.TEMPERATURE,
        {"heater": "heater_bed", "target": 60.0},
    ),
    (
        'SET_HEATER_TEMPERATURE HEATER="extruder"',
        Action.TEMPERATURE,
        {"heater": "extruder", "target": 0.0},
    ),
    ("M104 S210", Action.TEMPERATURE, {"heater": "extruder", "target": 210.0}),
    ("M109 T0 S210 ; wait", Action.TEMPERATURE, {"heater": "extruder", "target": 210.0}),
    ("M140 S55.5", Action.TEMPERATURE, {"heater": "heater_bed", "target": 55.5}),
    (
        "SET_HEATER_TEMPERATURE HEATER=ams_a_dryer TARGET=65",
        Action.DRY,
        {"unit": 0, "temperature": 65.0, "hours": 8},
    ),
    (
        "SET_HEATER_TEMPERATURE HEATER=ams_ht_dryer TARGET=0",
        Action.DRY,
        {"unit": 128, "temperature": 0.0, "hours": 0},
    ),
    ("M106 S127.5", Action.FAN, {"name": "part", "speed": 0.5}),
    ("M106 P2 S255", Action.FAN, {"name": "aux", "speed": 1.0}),
    ("M107", Action.FAN, {"name": "part", "speed": 0.0}),
    ("SET_FAN_SPEED FAN=aux SPEED=0.25", Action.FAN, {"name": "aux", "speed": 0.25}),
    ("M220 S124", Action.SPEED, {"factor": 1.24}),
    ("SET_SPEED PERCENT=50", Action.SPEED, {"factor": 0.5}),
    (
        "SET_LED LED=chamber_light RED=0 GREEN=0 BLUE=0 WHITE=0 SYNC=0 TRANSMIT=1",
        Action.LIGHT,
        {"name": "chamber_light", "mode": "off"},
    ),
    ("SET_PIN PIN=chamber_light VALUE=1", Action.LIGHT, {"name": "chamber_light", "mode": "on"}),
    ("EXCLUDE_OBJECT NAME=346", Action.SKIP_OBJECTS, {"objects": [346]}),
    ("PAUSE", Action.PAUSE, {}),
    ("RESUME", Action.RESUME, {}),
    ("CANCEL_PRINT", Action.CANCEL, {}),
    ("CLEAR_ERROR", Action.CLEAR_ERROR, {}),
    ("UNLOAD_FILAMENT", Action.UNLOAD_FILAMENT, {}),
    ("TOOL_UNLOAD LANE=A2", Action.UNLOAD_FILAMENT, {}),
    ("CHANGE_TOOL LANE=A3", Action.LOAD_FILAMENT, {"unit": 0, "slot": 2, "temperature": 250}),
    ("CHANGE_TOOL LANE=EXT", Action.LOAD_FILAMENT, {"unit": None, "slot": 254, "temperature": 230}),
    ("MMU_CHANGE_TOOL GATE=4", Action.LOAD_FILAMENT, {"unit": 128, "slot": 0, "temperature": 280}),
    (
        "SET_COLOR LANE=A1 COLOR=ff8800",
        Action.SET_FILAMENT,
        {"unit": 0, "slot": 0, "material": "PLA", "color": "FF8800"},
    ),
    (
        "SET_MATERIAL LANE=A1 MATERIAL=PETG",
        Action.SET_FILAMENT,
        {"unit": 0, "slot": 0, "material": "PETG", "color": "00AE42"},
    ),
]
REFUSED = (
    *("G1 X10 F6000", "SAVE_GCODE_STATE NAME=x", "RESTORE_GCODE_STATE NAME=x", "M84"),
    *("SET_VELOCITY_LIMIT ACCEL=1000", "SET_GCODE_OFFSET Z_ADJUST=0.1", "FIRMWARE_RESTART"),
    *("SDCARD_PRINT_FILE FILENAME=x", "LANE_UNLOAD LANE=A3", "SET_MAP LANE=A1 MAP=T2"),
    *("SET_RUNOUT LANE=A1 RUNOUT=A2", "SET_WEIGHT LANE=A1 WEIGHT=3", "M117 hello", "G28"),
    *("M104", "M104 Snan", "M104 Sinf", "M104 S-5", "M104 S1e99", "M106 P9 S1", "M220 S0"),
    *("SET_HEATER_TEMPERATURE HEATER=oven TARGET=5", "CHANGE_TOOL LANE=Z9", "CHANGE_TOOL"),
    *("EXCLUDE_OBJECT", "EXCLUDE_OBJECT NAME=Benchy_id_0", "EXCLUDE_OBJECT NAME=-1"),
    *("SET_LED LED=disco WHITE=1", "SET_FAN_SPEED FAN=jet SPEED=1", "SET_FAN_SPEED FAN=aux"),
    *("SET_COLOR LANE=A1 COLOR=red", "M141 S50", 'SET_X NAME="unbalanced', "MMU_EJECT GATE=99999"),
)


@pytest.mark.parametrize(("line", "action", "params"), DONE)
def test_a_line_becomes_a_command(line: str, action: Action, params: dict[str, Any]) -> None:
    step = translate(line, view())
    assert step is not None and step.refusal is None, step
    (command,) = step.commands
    assert (command.action, dict(command.params)) == (action, params)


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_that_cannot_be_done_is_refused_in_a_sentence(line: str) -> None:
    step = translate(line, view())
    assert step is not None and step.refusal and not step.commands
    assert "\n" not in step.refusal and len(step.refusal) > 15


@pytest.mark.parametrize("line", ["", "   ", "; comment", "// comment"])
def test_nothing_is_nothing(line: str) -> None:
    assert translate(line, view()) is None


def test_cooldown_switches_off_what_is_on() -> None:
    step = translate("TURN_OFF_HEATERS", view())
    assert step is not None
    assert [command.params for command in step.commands] == [
        {"heater": "extruder", "target": 0.0},
        {"heater": "heater_bed", "target": 0.0},
    ]


def test_homing_only_when_no_job_is_running() -> None:
    step = translate("G28", view(snapshot=PrinterSnapshot(state=PrintState.STANDBY)))
    assert step is not None and step.commands[0].action is Action.GCODE


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().start()
    yield house
    await house.stop()


def lines(house: House) -> list[str]:
    return [m["params"][0] for m in house.sink.messages("notify_gcode_response")]


async def test_a_script_is_done_when_the_state_shows_it(house: House) -> None:
    assert await house.result("printer.gcode.script", script="M220 S50\nM106 S0") == "ok"
    assert house.fleet.printer("x1c").snapshot.fans["part"] == 0.0
    assert [command.action for command in house.bridge.sent] == [Action.SPEED, Action.FAN]
    assert lines(house) == []
    stored = (await house.result("server.gcode_store"))["gcode_store"]
    assert [(line["message"], line["type"]) for line in stored] == [
        ("M220 S50", "command"),
        ("M106 S0", "command"),
    ]


async def test_a_refusal_is_an_error_and_a_console_line(house: House) -> None:
    fault = await house.error("printer.gcode.script", script="G1 X5\nM220 S50")
    assert fault["code"] == 400 and "G1" in fault["message"]
    assert lines(house) == [f"!! {fault['message']}"]
    assert house.bridge.sent == []  # the rest of the script is not carried out


async def test_what_the_state_does_not_show_is_not_done(house: House) -> None:
    house.bridge.obeys = False
    fault = await house.error("printer.print.pause")
    assert fault["code"] == 504 and "was sent" in fault["message"]
    assert lines(house)[0].startswith("!! ")


async def test_the_printers_own_no_is_told(house: House) -> None:
    house.bridge.refuses = "developer mode is off"
    fault = await house.error("printer.print.cancel")
    assert fault["code"] == 409 and "developer mode is off" in fault["message"]


async def test_emergency_stop_is_this_printers_stop_and_verified(house: House) -> None:
    assert await house.result("printer.emergency_stop") == "ok"
    assert house.fleet.printer("x1c").snapshot.state is PrintState.CANCELLED
    again = await house.error("printer.emergency_stop")
    assert "NOTHING WAS STOPPED" in again["message"]
    assert lines(house)[-1].startswith("!! NOTHING WAS STOPPED")


async def test_an_emergency_stop_that_fails_says_so_loudly(house: House) -> None:
    house.bridge.refuses = "busy"
    fault = await house.error("printer.emergency_stop")
    assert "NOTHING WAS STOPPED" in fault["message"] and "busy" in fault["message"]
    house.bridge.refuses, house.bridge.obeys = None, False
    fault = await house.error("printer.gcode.script", script="M112")
    assert "does not show that it did" in fault["message"]


async def test_control_jobs_permits_no_temperatures() -> None:
    house = await House(Control.JOBS).start(printing())
    fault = await house.error("printer.gcode.script", script="M104 S200")
    assert fault["code"] == 403 and "control: full" in fault["message"]
    assert await house.result("printer.gcode.script", script="PAUSE") == "ok"
    await house.stop()


@pytest.mark.parametrize("script", ["x" * 20_000, "M105\n" * 100, 5, None, ["M104"]])
async def test_hostile_scripts_are_refused(house: House, script: Any) -> None:
    assert (await house.error("printer.gcode.script", script=script))["code"] in (400, -32602)


async def test_help_and_prompt_lines_come_back_on_the_console(house: House) -> None:
    await house.result("printer.gcode.script", script="HELP")
    assert "M104" in lines(house)[0]
    script = 'RESPOND type="command" msg="action:prompt_end"'
    await house.result("printer.gcode.script", script=script)
    assert lines(house)[-1] == "// action:prompt_end"
