# Snapshot -> the printer objects of a Klipper
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: fixed keys per object, Klipper's units; what the printer does not say is None.

What a printer cannot do is not offered: a fan that cannot be set is a ``heater_fan`` (the
interfaces only show it), a light that cannot be switched is no object at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ..core.commands import Action
from ..core.model import Heater, PrintState
from .filament import filament_objects, filament_parts, filament_sensors
from .macros import macro_objects
from .memo import Memo
from .settings import configfile
from .view import EXTRUDERS, View

Objects = dict[str, dict[str, Any]]
MIN_EXTRUDE = 170.0  # C, Klipper's default
CHAMBER_HEATER = "heater_generic chamber"
CHAMBER_SENSOR = "temperature_sensor chamber"
STATE_WORDS = ("Printing", "Ready", "Idle")  # of idle_timeout


def build_objects(view: View, memo: Optional[Memo] = None) -> Objects:
    """Every object of one printer; the same set as long as the printer has the same parts.

    With the ``memo`` of the same printer's last call, what did not change is not built anew.
    """
    keep = (memo or Memo()).keep
    snapshot, actions = view.snapshot, view.actions
    objects: Objects = {"webhooks": _webhooks(view)}
    heaters, sensors = _temperatures(view, objects)
    second = _second_extruder_active(view)
    objects.update(keep("motion", (snapshot.speed_factor, second), lambda: _motion(view)))
    _job(view, objects)
    parts = (snapshot.fans, snapshot.lights, actions)
    objects.update(keep("fans and lights", parts, lambda: _fans_and_lights(view)))
    filament = keep("filament", filament_parts(view), lambda: _filament(view))
    objects.update(filament.objects)
    _estimates(view, objects)
    macros = keep("macros", (actions,), lambda: macro_objects(view))
    objects.update(keep("macro objects", (actions,), lambda: {name: {} for name in macros}))
    lists = (heaters, sensors, filament.heaters, filament.sensors)
    objects["heaters"] = keep("heaters", lists, lambda: _lists(*lists))
    everything = (tuple(objects), snapshot.model, actions)
    objects["configfile"] = keep(
        "configfile", everything, lambda: configfile(view, objects, macros)
    )
    return objects


class _FilamentObjects(NamedTuple):
    objects: Objects
    heaters: list[str]
    sensors: list[str]


def _filament(view: View) -> _FilamentObjects:
    found = _FilamentObjects(filament_objects(view), [], [])
    for name, status, is_heater in filament_sensors(view):
        found.objects[name] = status
        if name.startswith("temperature_combined"):
            continue
        found.sensors.append(name)
        if is_heater:
            found.heaters.append(name)
    return found


def _lists(
    heaters: list[str], sensors: list[str], dryers: list[str], climates: list[str]
) -> dict[str, Any]:
    return {
        "available_heaters": heaters + dryers,
        "available_sensors": sensors + climates,
        "available_monitors": [],
    }


def _webhooks(view: View) -> dict[str, Any]:
    state, message = view.klippy_state
    return {"state": state, "state_message": message}


def _temperatures(view: View, objects: Objects) -> tuple[list[str], list[str]]:
    """A part without a temperature is no object: Mainsail's cards fail on a null."""
    heaters, sensors = [], []
    known = {
        name: heater
        for name, heater in view.snapshot.heaters.items()
        if heater.temperature is not None
    }
    for name in EXTRUDERS:
        if name in known:
            objects[name] = {**_heater(known[name]), **_extruder(known[name])}
            heaters.append(name)
    if "heater_bed" in known:
        objects["heater_bed"] = _heater(known["heater_bed"])
        heaters.append("heater_bed")
    chamber = known.get("chamber")
    if chamber is not None and _is_heater(chamber, view):
        objects[CHAMBER_HEATER] = _heater(chamber)
        heaters.append(CHAMBER_HEATER)
    elif chamber is not None:
        objects[CHAMBER_SENSOR] = {"temperature": chamber.temperature}
        sensors.append(CHAMBER_SENSOR)
    return heaters, heaters + sensors


def _is_heater(chamber: Heater, view: View) -> bool:
    return chamber.settable and (chamber.target is not None or CHAMBER_HEATER in view.sticky)


def _heater(heater: Heater) -> dict[str, Any]:
    return {"temperature": heater.temperature, "target": heater.target, "power": None}


def _extruder(heater: Heater) -> dict[str, Any]:
    temperature = heater.temperature
    return {"can_extrude": temperature is not None and temperature >= MIN_EXTRUDE}


def _motion(view: View) -> Objects:
    extruder = "extruder1" if _second_extruder_active(view) else "extruder"
    return {
        "toolhead": {"homed_axes": "", "extruder": extruder},
        "gcode_move": {
            "speed_factor": view.snapshot.speed_factor,
            "homing_origin": [0.0, 0.0, 0.0, 0.0],
        },
        # no printer tells them; Mainsail shows a missing velocity as "NaN mm/s"
        "motion_report": {"live_velocity": 0.0, "live_extruder_velocity": 0.0},
        "exclude_object": {"objects": [], "excluded_objects": [], "current_object": None},
    }


def _second_extruder_active(view: View) -> bool:
    filament = view.snapshot.filament
    return filament is not None and set(filament.active) == {"extruder1"}


def _job(view: View, objects: Objects) -> None:
    snapshot, job = view.snapshot, view.snapshot.job
    state = snapshot.state
    printing = state is PrintState.PRINTING
    progress = view.progress
    objects["print_stats"] = {
        "filename": view.filename,
        "state": None if state is None else state.value,
        "message": snapshot.message or "",
        "total_duration": view.total_duration if view.total_duration is not None else view.duration,
        "print_duration": view.duration,
        "filament_used": None,
        "info": {
            "total_layer": None if job is None else job.layers,
            "current_layer": None if job is None else job.layer,
        },
    }
    objects["virtual_sdcard"] = {
        "progress": progress,
        "is_active": printing,
        "file_path": None,
        "file_position": 0,
        "file_size": 0,
    }
    objects["display_status"] = {
        "progress": None if job is None else job.progress,
        "message": snapshot.stage or snapshot.message,
    }
    objects["idle_timeout"] = {
        "state": "Printing" if printing else "Ready" if state is PrintState.PAUSED else "Idle",
        "printing_time": (view.duration or 0.0) if printing else 0.0,
    }
    objects["pause_resume"] = {"is_paused": state is PrintState.PAUSED}


def _fans_and_lights(view: View) -> Objects:
    objects: Objects = {}
    settable = view.can(Action.FAN)
    for name, speed in view.snapshot.fans.items():
        if name == "heatbreak" or not settable:
            kind = f"heater_fan {name}"
        elif name == "part":
            kind = "fan"
        else:
            kind = f"fan_generic {name}"
        objects[kind] = {"speed": speed, "rpm": None}
    if view.can(Action.LIGHT):
        for name, mode in view.snapshot.lights.items():
            level = 0.0 if mode == "off" else 1.0
            objects[f"led {name}"] = {"color_data": [[0.0, 0.0, 0.0, level]]}
    return objects


def _estimates(view: View, objects: Objects) -> None:
    """``heater_eta <heater>`` for macros and charts, and Mainsail's line under the temperature."""
    for name, estimate in view.heaters.items():
        objects[f"heater_eta {name}"] = dict(estimate)
        temperature = _temperature_of(objects, name)
        objects[f"temperature_combined {name}"] = {
            "temperature": temperature,
            "eta": _shown_eta(estimate),
        }


def _shown_eta(estimate: Mapping[str, Any]) -> Optional[float]:
    """Whole seconds while there is something to wait for; None hides the line."""
    value = estimate.get("eta") if estimate.get("heating") else estimate.get("cooldown_eta")
    return float(round(value)) if value else None


def _temperature_of(objects: Objects, name: str) -> Optional[float]:
    for kind in (name, f"heater_generic {name}", f"temperature_sensor {name}"):
        if kind in objects:
            value: Optional[float] = objects[kind]["temperature"]
            return value
    return None
