# Filament in both interfaces' own panels
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every slot, its colour and material, what is loaded; nothing that the printer did not say."""

from __future__ import annotations

from dataclasses import replace

from moonfleet.core.model import Filament, FilamentUnit, Slot
from moonfleet.instance.lanes import lanes
from moonfleet.instance.objects import build_objects

from .house import House, filament, printing, view


def test_lanes_are_named_by_unit_and_slot() -> None:
    found = lanes(printing().filament)
    assert [lane.name for lane in found] == ["A1", "A2", "A3", "A4", "HT", "EXT"]
    assert [lane.name for lane in found if lane.extruder] == ["A2"]
    assert [lane.present for lane in found] == [True, True, True, False, True, True]


def test_two_external_spools_and_two_single_units_have_names_of_their_own() -> None:
    units = tuple(FilamentUnit(128 + n, "AMS HT", slots=(Slot(0),)) for n in range(2))
    found = lanes(Filament(units, (Slot(254), Slot(255)), {}))
    assert [lane.name for lane in found] == ["HT", "HT2", "EXT1", "EXT2"]


def test_afc_objects_draw_every_slot() -> None:
    objects = build_objects(view())
    assert objects["AFC"]["units"] == ["AMS A", "AMS Single_slots"]
    assert objects["AFC"]["lanes"] == ["A1", "A2", "A3", "A4", "HT", "EXT"]
    assert objects["AFC"]["current_load"] == "A2"
    assert objects["AFC_AMS A"]["lanes"] == ["A1", "A2", "A3", "A4"]
    first = objects["AFC_stepper A1"]
    assert (first["material"], first["color"], first["weight"]) == ("PLA", "#00AE42", 800)
    assert first["load"] and first["prep"] and not first["tool_loaded"]
    assert objects["AFC_stepper A2"]["tool_loaded"] is True
    assert "weight" not in objects["AFC_stepper A2"]  # unknown, and 0 would draw an empty reel
    assert objects["AFC_stepper A3"]["color"] == "#808080"
    empty = objects["AFC_stepper A4"]
    assert empty["load"] is False and empty["prep"] is False and empty["material"] is None
    assert objects["AFC_extruder extruder"]["lane_loaded"] == "A2"
    assert objects["AFC_extruder extruder"]["lanes"] == objects["AFC"]["lanes"]
    maps = [objects[f"AFC_stepper {name}"]["map"] for name in objects["AFC"]["lanes"]]
    assert maps == ["T0", "T1", "T2", "T3", "T4", "T5"]


def test_drying_is_told_in_the_panel_and_as_a_heater() -> None:
    objects = build_objects(view())
    assert objects["AFC"]["message"] == {
        "message": "Unit HT is drying at 65 C, 3 h 12 min left",
        "type": "info",
    }
    assert objects["heater_generic ams_ht_dryer"]["target"] == 65.0
    assert objects["temperature_sensor ams_a"] == {"temperature": 27.3, "humidity": 18.0}
    assert objects["temperature_combined ams_a"]["humidity"] == 18.0
    assert "heater_generic ams_ht_dryer" in objects["heaters"]["available_heaters"]
    assert "temperature_sensor ams_a" in objects["heaters"]["available_sensors"]


def test_happy_hare_objects_have_what_mainsail_cannot_do_without() -> None:
    objects = build_objects(view(filament_panel="mmu"))
    assert "AFC" not in objects
    mmu, machine = objects["mmu"], objects["mmu_machine"]
    assert mmu["num_gates"] == 6 and mmu["gate"] == 1
    lists = ("gate_status", "gate_color", "gate_material", "gate_spool_id", "ttg_map")
    assert {len(mmu[name]) for name in lists} == {6}
    assert mmu["gate_status"] == [1, 1, 1, 0, 1, 1]
    assert machine["num_units"] == 2
    assert machine["unit_0"]["num_gates"] == 4 and machine["unit_0"]["has_bypass"] is False
    assert machine["unit_1"]["first_gate"] == 4
    assert machine["unit_0"]["environment_sensor"] == "temperature_sensor ams_a"
    assert "gcode_macro _MMU_SOFTWARE_VARS" in objects


def test_both_and_off() -> None:
    both = build_objects(view(filament_panel="both"))
    assert "AFC" in both and "mmu" in both
    off = build_objects(view(filament_panel="off"))
    assert not [name for name in off if name.startswith(("AFC", "mmu"))]
    assert "temperature_sensor ams_a" not in off


def test_a_printer_without_filament_units_has_no_panel() -> None:
    objects = build_objects(view(snapshot=printing(filament=None), filament_panel="both"))
    assert not [name for name in objects if name.startswith(("AFC", "mmu"))]


async def test_a_message_that_was_closed_stays_closed_until_the_next() -> None:
    house = await House().start()
    objects = {"AFC": ["message"]}

    async def message() -> str:
        answer = await house.result("printer.objects.query", objects=objects)
        return str(answer["status"]["AFC"]["message"]["message"])

    assert "drying" in await message()
    await house.result("printer.gcode.script", script="AFC_CLEAR_MESSAGE")
    assert await message() == ""
    idle = Filament(tuple(replace(unit, drying=None) for unit in filament().units))
    house.bridge.host.on_snapshot(printing(filament=idle))
    house.bridge.host.on_snapshot(printing())
    assert "drying" in await message()
    await house.stop()
