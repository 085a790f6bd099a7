# What shows that a command took effect
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: each action's proof is a property of a later snapshot.

What no snapshot can show (most G-code, the switch of a fan without a speed) is never proved here;
then a command ends as "unconfirmed", however politely the printer answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from .commands import Action, Command
from .model import Filament, PrinterSnapshot, PrintState

SPEED_STEP = 0.005
FAN_STEP = 0.04  # printers report their fans in steps of a sixteenth
DEGREE = 0.51  # targets are set and told in whole degrees
GCODE_HEATERS = {"M104": "extruder", "M109": "extruder", "M140": "heater_bed", "M190": "heater_bed"}
_WORD = re.compile(r"^([TS])(\d{1,3}(?:\.\d{1,3})?)$")


def confirmed(command: Command, before: PrinterSnapshot, now: PrinterSnapshot) -> bool:
    """Whether ``now`` proves that ``command``, sent when ``before`` held, took effect."""
    action, params = command.action, command.params
    if action is Action.PAUSE:
        return now.state is PrintState.PAUSED
    if action is Action.RESUME:
        return now.state is PrintState.PRINTING
    if action is Action.CANCEL:
        return now.state not in (None, PrintState.PRINTING, PrintState.PAUSED)
    if action is Action.START:
        return now.state is PrintState.PRINTING and before.state is not PrintState.PRINTING
    if action is Action.SPEED:
        return _near(now.speed_factor, params.get("factor"), SPEED_STEP)
    if action is Action.LIGHT:
        mode = now.lights.get(str(params.get("name")))
        return mode is not None and mode == params.get("mode")
    if action is Action.TEMPERATURE:
        return _target_shows(now, str(params.get("heater")), params.get("target"))
    if action is Action.SET_READY:
        return now.stage == "ready"
    if action is Action.FAN:
        return _near(now.fans.get(str(params.get("name"))), params.get("speed"), FAN_STEP)
    if action is Action.CLEAR_ERROR:
        return _error_cleared(before, now)
    if action is Action.SKIP_OBJECTS:
        objects, skipped = params.get("objects"), now.job_report.skipped
        return isinstance(objects, list) and bool(objects) and all(o in skipped for o in objects)
    if action is Action.GCODE:
        return _gcode_shows(params.get("script"), now)
    return _filament_confirmed(command, before, now)


def provable(command: Command) -> bool:
    """Whether any snapshot could prove the command: nobody need wait for what cannot be seen."""
    if command.action is not Action.GCODE:
        return True
    lines = _lines(command.params.get("script"))
    return bool(lines) and all(_heater_set(words) is not None for words in lines)


def _near(told: Optional[float], wanted: Any, step: float) -> bool:
    if told is None or isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        return False
    return abs(told - wanted) < step


def _target_shows(now: PrinterSnapshot, name: str, target: Any) -> bool:
    heater = now.heaters.get(name)
    return heater is not None and _near(heater.target, target, DEGREE)


def _error_cleared(before: PrinterSnapshot, now: PrinterSnapshot) -> bool:
    """The message on the screen is gone: errors have two groups of digits, others clear
    themselves."""
    codes = {fault.code for fault in before.faults}
    errors = {code for code in codes if code.count("_") == 1} or codes
    return bool(errors) and errors.isdisjoint(fault.code for fault in now.faults)


def _gcode_shows(script: Any, now: PrinterSnapshot) -> bool:
    """Only scripts of nothing but heater targets can be seen to have worked."""
    targets = [_heater_set(words) for words in _lines(script)]
    return bool(targets) and all(one is not None and _target_shows(now, *one) for one in targets)


def _lines(script: Any) -> list[list[str]]:
    lines = script.upper().splitlines() if type(script) is str else []
    return [words for words in (line.split() for line in lines) if words]


def _heater_set(words: list[str]) -> Optional[tuple[str, float]]:
    """``M104 T1 S200`` -> ("extruder1", 200.0); None for everything else."""
    heater = GCODE_HEATERS.get(words[0])
    values: dict[str, float] = {}
    for word in words[1:]:
        match = _WORD.match(word)
        if match is None:
            return None
        values[match[1]] = float(match[2])
    if heater is None or "S" not in values:
        return None
    if heater == "extruder" and values.get("T", 0.0) == 1.0:
        heater = "extruder1"
    return heater, values["S"]


def _filament_confirmed(command: Command, before: PrinterSnapshot, now: PrinterSnapshot) -> bool:
    action, params = command.action, command.params
    if now.filament is None:
        return False
    if action is Action.LOAD_FILAMENT:
        return (params.get("unit"), params.get("slot")) in now.filament.active.values()
    if action is Action.UNLOAD_FILAMENT:
        loaded = before.filament.active if before.filament is not None else {}
        return len(now.filament.active) < max(1, len(loaded))
    if action is Action.SET_FILAMENT:
        return _slot_shows(params, now.filament)
    if action is Action.DRY:
        for unit in now.filament.units:
            if unit.id == params.get("unit"):
                return (unit.drying is not None) is bool(params.get("hours"))
    return False


def _slot_shows(params: Mapping[str, Any], filament: Filament) -> bool:
    unit_id = params.get("unit")
    slots = filament.external if unit_id is None else ()
    for unit in filament.units:
        if unit.id == unit_id:
            slots = unit.slots
    material, color = str(params.get("material")).upper(), str(params.get("color")).upper()
    return any(
        slot.index == params.get("slot")
        and (slot.material or "").upper() == material
        and slot.color == color
        for slot in slots
    )
