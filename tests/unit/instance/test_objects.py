# Snapshot -> printer objects
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What the interfaces show must be what the printer said, and nothing else."""

from __future__ import annotations

import json

import pytest
from moonfleet.core.model import Filament, Heater, Job, PrinterSnapshot, PrintState
from moonfleet.instance.jsonrpc import encode
from moonfleet.instance.objects import STATE_WORDS, build_objects

from .house import printing, view

ISSUE_OBJECTS = (
    *("webhooks", "print_stats", "virtual_sdcard", "display_status", "idle_timeout"),
    *("pause_resume", "toolhead", "gcode_move", "motion_report", "extruder", "heater_bed"),
    *("fan", "heaters", "configfile", "exclude_object", "temperature_sensor chamber"),
)


def test_a_printing_printer_has_every_object_of_a_klipper() -> None:
    objects = build_objects(view())
    assert [name for name in ISSUE_OBJECTS if name not in objects] == []
    assert objects["extruder"]["temperature"] == 219.5
    assert objects["extruder"]["target"] == 220.0
    assert objects["extruder"]["can_extrude"] is True
    assert objects["heater_bed"] == {"temperature": 60.0, "target": 60.0, "power": None}
    assert objects["print_stats"]["state"] == "printing"
    assert objects["print_stats"]["info"] == {"total_layer": 240, "current_layer": 12}
    assert objects["idle_timeout"]["state"] == "Printing"
    assert objects["heaters"]["available_heaters"][:2] == ["extruder", "heater_bed"]
    assert "temperature_sensor chamber" in objects["heaters"]["available_sensors"]
    settings = objects["configfile"]["settings"]
    assert all(settings[name]["max_temp"] > 0 for name in ("extruder", "heater_bed"))
    assert objects["configfile"]["config"] == {}


def test_the_interfaces_estimate_equals_the_printers_remaining_time() -> None:
    objects = build_objects(view())
    duration = objects["print_stats"]["print_duration"]
    progress = objects["virtual_sdcard"]["progress"]
    assert duration / progress - duration == pytest.approx(900.0)
    # the printer's own percentage stays to be seen
    assert objects["display_status"]["progress"] == 0.4


def test_the_learned_remaining_time_replaces_the_printers() -> None:
    objects = build_objects(view(learned_left=1200.0))
    duration = objects["print_stats"]["print_duration"]
    progress = objects["virtual_sdcard"]["progress"]
    assert duration / progress - duration == pytest.approx(1200.0)


def test_without_a_remaining_time_progress_is_the_printers_own() -> None:
    job = Job("Benchy", "b.gcode", 0.4, None, 600.0)
    objects = build_objects(view(snapshot=printing(job=job)))
    assert objects["virtual_sdcard"]["progress"] == 0.4


def test_the_fleets_duration_serves_where_the_printer_tells_none() -> None:
    job = Job("Benchy", "b.gcode", 0.4, 300.0, None)
    objects = build_objects(view(snapshot=printing(job=job), print_duration=100.0))
    assert objects["virtual_sdcard"]["progress"] == pytest.approx(0.25)
    assert objects["print_stats"]["print_duration"] == 100.0


def test_file_names_end_as_the_interfaces_expect() -> None:
    assert view().filename == "benchy.gcode"
    job = Job("Cube", "/usb/folder/cube.bgcode")
    assert view(snapshot=printing(job=job)).filename == "cube.bgcode"
    assert view(snapshot=printing(job=None)).filename == ""


def test_a_silent_printer_gets_no_invented_values() -> None:
    objects = build_objects(view(snapshot=PrinterSnapshot(state=PrintState.STANDBY)))
    assert "extruder" not in objects and "heater_bed" not in objects and "fan" not in objects
    assert objects["print_stats"]["print_duration"] is None
    assert objects["print_stats"]["info"] == {"total_layer": None, "current_layer": None}
    assert objects["gcode_move"]["speed_factor"] is None
    assert objects["heaters"]["available_sensors"] == []


def test_a_part_without_a_temperature_is_no_object() -> None:
    heaters = {"extruder": Heater(None, 200.0), "heater_bed": Heater(50.0, None)}
    objects = build_objects(view(snapshot=printing(heaters=heaters)))
    assert "extruder" not in objects
    assert objects["heater_bed"]["temperature"] == 50.0
    assert "extruder" not in objects["heaters"]["available_heaters"]


def test_a_chamber_that_was_a_heater_stays_one() -> None:
    sticky = frozenset({"heater_generic chamber"})
    objects = build_objects(view(sticky=sticky))
    assert objects["heater_generic chamber"]["temperature"] == 38.0
    assert "temperature_sensor chamber" not in objects


def test_what_cannot_be_done_is_not_offered() -> None:
    objects = build_objects(view(actions=frozenset()))
    assert "fan" not in objects and "fan_generic aux" not in objects
    assert objects["heater_fan part"]["speed"] == 0.7
    assert not [name for name in objects if name.startswith(("led", "gcode_macro"))]
    offered = build_objects(view())
    assert offered["fan"]["speed"] == 0.7
    assert offered["fan_generic aux"]["speed"] == 0.3
    assert offered["heater_fan heatbreak"]["speed"] == 1.0
    assert offered["led chamber_light"]["color_data"] == [[0.0, 0.0, 0.0, 1.0]]
    assert "gcode_macro UNLOAD_FILAMENT" in offered


def test_a_chamber_that_only_tells_a_target_is_no_heater() -> None:
    """X1C and P2S say 0 in a packed field, and have nothing to heat with."""
    chamber = {"chamber": Heater(40.0, 0.0, settable=False)}
    for sticky in (frozenset(), frozenset({"heater_generic chamber"})):
        objects = build_objects(view(snapshot=printing(heaters=chamber), sticky=sticky))
        assert objects["temperature_sensor chamber"] == {"temperature": 40.0}
        assert "heater_generic chamber" not in objects
        assert "heater_generic chamber" not in objects["configfile"]["settings"]
        assert "heater_generic chamber" not in objects["heaters"]["available_heaters"]


def test_a_chamber_with_a_target_is_a_heater() -> None:
    heaters = {"extruder": Heater(25.0, 0.0), "chamber": Heater(40.0, 60.0)}
    objects = build_objects(view(snapshot=printing(heaters=heaters)))
    assert objects["heater_generic chamber"]["target"] == 60.0
    assert "temperature_sensor chamber" not in objects
    assert "heater_generic chamber" in objects["configfile"]["settings"]


def test_two_nozzles() -> None:
    heaters = {"extruder": Heater(220.0, 220.0), "extruder1": Heater(30.0, 0.0)}
    active = Filament(filament_units(), (), {"extruder1": (0, 0)})
    objects = build_objects(view(snapshot=printing(heaters=heaters, filament=active)))
    assert objects["extruder1"]["temperature"] == 30.0
    assert objects["toolhead"]["extruder"] == "extruder1"
    assert set(objects["AFC"]["extruders"]) == {"extruder", "extruder1"}


def filament_units() -> tuple:  # type: ignore[type-arg]
    snapshot = printing()
    assert snapshot.filament is not None
    return snapshot.filament.units


@pytest.mark.parametrize("state", list(PrintState))
def test_every_state_is_told_in_klippers_words(state: PrintState) -> None:
    objects = build_objects(view(snapshot=printing(state)))
    assert objects["print_stats"]["state"] == state.value
    assert objects["pause_resume"]["is_paused"] is (state is PrintState.PAUSED)
    assert objects["idle_timeout"]["state"] in STATE_WORDS


def test_offline_and_connecting_are_told_with_the_reason() -> None:
    gone = build_objects(view(online=False, connection_message="the access code is wrong"))
    assert gone["webhooks"] == {
        "state": "shutdown",
        "state_message": "the access code is wrong",
    }
    waiting = build_objects(view(online=False, connecting=True))
    assert waiting["webhooks"]["state"] == "startup"
    silent = build_objects(view(snapshot=PrinterSnapshot()))
    assert silent["webhooks"]["state"] == "startup"


def test_heater_estimates_are_objects_and_a_line_under_the_temperature() -> None:
    heating = {"eta": 93.4, "heating": True, "ready": False, "cooldown_eta": None}
    ready = {"eta": 0.0, "heating": True, "ready": True, "cooldown_eta": None}
    objects = build_objects(view(heaters={"extruder": heating, "chamber": ready}))
    assert objects["heater_eta extruder"]["eta"] == 93.4
    assert objects["temperature_combined extruder"] == {"temperature": 219.5, "eta": 93.0}
    assert objects["temperature_combined chamber"]["temperature"] == 38.0


def test_objects_are_json_in_every_state() -> None:
    for state in (*PrintState, None):
        for panel in ("afc", "mmu", "both", "off"):
            built = build_objects(view(snapshot=printing(state), filament_panel=panel))
            assert json.loads(encode(built)) == json.loads(json.dumps(built))
