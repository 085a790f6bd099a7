# Filament in the interfaces' own panels: AFC and Happy Hare objects, sensors, dryers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. The tables, and why each value is as it is: docs/virtual_printers.md, "Filament"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from ..core.commands import Action
from ..core.model import FilamentUnit
from .lanes import Lane, lanes, unit_names
from .mmu import mmu_objects
from .view import View

NOMINAL_SPOOL = 1000.0  # g; printers tell a share, the interfaces draw grams
DRYERS = ("AMS 2 Pro", "AMS HT")
UNKNOWN_COLOR = "#808080"


def filament_parts(view: View) -> tuple[Any, ...]:
    """All that the objects and sensors of this file are made of."""
    snapshot = view.snapshot
    return (
        snapshot.filament,
        view.filament_panel,
        snapshot.state,
        tuple(snapshot.heaters),
        view.hide_message,
        view.actions,
    )


def filament_objects(view: View) -> dict[str, dict[str, Any]]:
    filament = view.snapshot.filament
    found = lanes(filament)
    if not found:
        return {}
    objects: dict[str, dict[str, Any]] = {}
    if view.filament_panel in ("afc", "both"):
        objects.update(_afc_objects(view, found))
    if view.filament_panel in ("mmu", "both"):
        objects.update(mmu_objects(view, found))
    return objects


def _afc_objects(view: View, found: list[Lane]) -> dict[str, dict[str, Any]]:
    units: dict[str, list[str]] = {}
    for lane in found:
        units.setdefault(lane.unit, []).append(lane.name)
    extruders = [name for name in ("extruder", "extruder1") if name in view.snapshot.heaters]
    loaded = {lane.extruder: lane.name for lane in found if lane.extruder is not None}
    message = None if view.hide_message else drying_message(view)
    objects: dict[str, dict[str, Any]] = {
        "AFC": {
            "units": [f"AMS {unit}" for unit in units],
            "lanes": [lane.name for lane in found],
            "extruders": extruders,
            "hubs": [],
            "current_load": next((loaded[name] for name in extruders if name in loaded), None),
            "current_lane": None,
            "current_state": "Idle",
            "error_state": False,
            "bypass_state": False,
            "message": {"message": message or "", "type": "info" if message else ""},
            "spoolman": None,
            "td1_present": False,
            "led_state": False,
        }
    }
    for unit, names in units.items():
        objects[f"AFC_AMS {unit}"] = {"lanes": names, "hubs": [], "extruders": extruders}
    for number, lane in enumerate(found):
        objects[f"AFC_stepper {lane.name}"] = _afc_lane(view, lane, number)
    for name in extruders:
        objects[f"AFC_extruder {name}"] = {
            # without a word of its own an empty nozzle shows the other one's lane
            "lane_loaded": loaded.get(name, "none"),
            "lanes": [lane.name for lane in found if lane.extruder in (None, name)],
            "tool_start_status": name in loaded,
            "is_standalone": True,
        }
    return objects


def _afc_lane(view: View, lane: Lane, number: int) -> dict[str, Any]:
    slot, present = lane.slot, lane.present
    status: dict[str, Any] = {
        "name": lane.name,
        "unit": lane.unit,
        "load": present,
        "prep": present,
        "tool_loaded": lane.extruder is not None,
        "map": f"T{number}",
        "material": slot.material if present else None,
        "filament_name": slot.material if present else None,
        "color": f"#{slot.color}" if slot.color else UNKNOWN_COLOR,
        "spool_id": None,
        "runout_lane": None,
        "extruder": lane.extruder or "extruder",
        "initial_weight": NOMINAL_SPOOL,
    }
    # without a weight the panel shows a full reel and "--"; 0 would show an empty one
    if slot.remaining is not None:
        status["weight"] = round(slot.remaining * NOMINAL_SPOOL)
    return status


def drying_message(view: View) -> Optional[str]:
    filament = view.snapshot.filament
    if filament is None:
        return None
    names = unit_names(filament)
    parts = []
    for unit in filament.units:
        if unit.drying is None:
            continue
        text = f"Unit {names[unit.id]} is drying"
        if unit.drying.temperature is not None:
            text += f" at {unit.drying.temperature:.0f} C"
        if unit.drying.time_left:
            minutes = round(unit.drying.time_left / 60)
            text += f", {minutes // 60} h {minutes % 60} min left"
        parts.append(text)
    return "; ".join(parts) or None


def filament_sensors(view: View) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """``(object name, status, is a heater)`` for the climate of every unit that reports it."""
    filament = view.snapshot.filament
    if filament is None or view.filament_panel == "off":
        return
    names = unit_names(filament)
    for unit in sorted(filament.units, key=lambda unit: unit.id):
        short = f"ams_{names[unit.id].lower()}"
        if unit.temperature is not None:
            climate = {"temperature": unit.temperature, "humidity": unit.humidity}
            yield f"temperature_sensor {short}", climate, False
            # Mainsail shows a humidity only on a companion object of this kind
            yield f"temperature_combined {short}", dict(climate), False
        if unit.temperature is not None and _can_dry(view, unit):
            target = unit.drying.temperature if unit.drying is not None else 0.0
            status = {"temperature": unit.temperature, "target": target, "power": None}
            yield f"heater_generic {short}_dryer", status, True


def _can_dry(view: View, unit: FilamentUnit) -> bool:
    """Units that dry: the ones that do, and by product name the ones that could."""
    if unit.drying is not None:
        return True
    return view.can(Action.DRY) and unit.kind in DRYERS
