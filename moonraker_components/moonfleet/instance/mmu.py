# The same slots as Happy Hare's objects, for those who prefer that panel
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: `filament_panel: mmu`. Everything stands in two objects; their lists have one entry per
gate, and nested dicts are always sent whole because the interfaces replace them."""

from __future__ import annotations

from typing import Any

from ..core.model import PrintState
from .lanes import SINGLES, Lane, unit_names
from .view import View

LOADED = 10  # filament_pos: through to the nozzle
UNLOADED = 0


def mmu_objects(view: View, found: list[Lane]) -> dict[str, dict[str, Any]]:
    filament = view.snapshot.filament
    assert filament is not None  # lanes exist
    gate = next((number for number, lane in enumerate(found) if lane.extruder), -1)
    paused = view.snapshot.state is PrintState.PAUSED
    drying = {unit.id for unit in filament.units if unit.drying is not None}
    count = len(found)
    return {
        "mmu": {
            "enabled": True,
            "num_gates": count,
            "is_homed": True,
            "is_paused": paused,
            "gate": gate,
            "tool": gate,
            "last_tool": -1,
            "next_tool": -1,
            "active_filament": {},
            "num_toolchanges": 0,
            "slicer_tool_map": {"tools": {}, "referenced_tools": [], "total_toolchanges": None},
            "gate_status": [1 if lane.present else 0 for lane in found],
            "gate_color": [lane.slot.color or "" for lane in found],
            "gate_material": [lane.slot.material or "" for lane in found],
            "gate_filament_name": [lane.slot.material or "" for lane in found],
            "gate_temperature": [-1] * count,
            "gate_spool_id": [-1] * count,
            "gate_speed_override": [100] * count,
            "spoolman_support": "off",
            "ttg_map": list(range(count)),
            "endless_spool_groups": list(range(count)),
            "endless_spool": 0,
            "filament": "Loaded" if gate >= 0 else "Unloaded",
            "filament_pos": LOADED if gate >= 0 else UNLOADED,
            "filament_position": 0.0,
            "bowden_progress": -1,
            "action": "Idle",
            "operation": "",
            "print_state": _print_state(view),
            "reason_for_pause": "",
            "drying_state": ["active" if lane.unit_id in drying else "" for lane in found],
            "espooler_active": "",
            "sensors": {},
            "sync_drive": False,
            "has_bypass": False,
        },
        "mmu_machine": _machine(view, found),
        # missing, Mainsail logs an error at load
        "gcode_macro _MMU_SOFTWARE_VARS": {"automap_strategy": "none"},
    }


def _machine(view: View, found: list[Lane]) -> dict[str, Any]:
    filament = view.snapshot.filament
    assert filament is not None
    rows: dict[str, list[int]] = {}
    for number, lane in enumerate(found):
        rows.setdefault(lane.unit, []).append(number)
    short = {name: unit_id for unit_id, name in unit_names(filament).items()}
    climates = {unit.id for unit in filament.units if unit.temperature is not None}
    machine: dict[str, Any] = {"num_units": len(rows)}
    for index, (row, gates) in enumerate(rows.items()):
        unit: dict[str, Any] = {
            "name": "Single slots" if row == SINGLES else f"AMS {row}",
            "vendor": "Bambu Lab",
            "num_gates": len(gates),
            "first_gate": gates[0],
            "has_bypass": False,  # Mainsail takes a missing value for true
            "can_crossload": True,
        }
        if short.get(row) in climates:
            unit["environment_sensor"] = f"temperature_sensor ams_{row.lower()}"
        machine[f"unit_{index}"] = unit
    return machine


def _print_state(view: View) -> str:
    state = view.snapshot.state
    if state is None or state is PrintState.STANDBY:
        return "ready"
    return state.value
