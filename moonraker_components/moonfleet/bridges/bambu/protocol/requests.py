# Commands -> the JSON that a Bambu printer understands
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Builds requests; refuses what would be dangerous or senseless before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable, Optional

from ....core.commands import Action, Command
from ....core.errors import CommandRejected, NotSupported
from ....core.model import PrinterSnapshot
from .fields import SPEED_FACTORS
from .models import WITHOUT_CHAMBER_HEATER
from .values import integer, number, text

_LIGHT_MODES = ("on", "off", "flashing")
_HEATER_LIMITS = {"extruder": 350.0, "extruder1": 350.0, "heater_bed": 120.0, "chamber": 65.0}
_FAN_PORTS = {"part": 1, "aux": 2, "chamber": 3}
_SAFE_NAME = re.compile(r"^[^\x00-\x1f\x7f]{1,200}$")
_GCODE = re.compile(
    r"^(?:G28|M(?:104|106|107|140|141|220|221)(?: [A-Z]-?\d{1,5}(?:\.\d{1,3})?){0,4})$"
)
MAX_GCODE_LINES = 8
_GRADES = ("auto_bed_leveling", "extrude_cali_flag", "nozzle_offset_cali")
_COLOR = re.compile(r"^[0-9A-Fa-f]{6}$")
# material -> the printer's generic profile, lowest and highest nozzle temperature
FILAMENTS = {
    "PLA": ("GFL99", 190, 240),
    "PETG": ("GFG99", 220, 270),
    "ABS": ("GFB99", 240, 280),
    "ASA": ("GFB98", 240, 280),
    "TPU": ("GFU99", 200, 250),
    "PC": ("GFC99", 260, 290),
    "PA": ("GFN99", 260, 290),
    "PVA": ("GFS99", 190, 250),
}

Request = tuple[str, dict[str, Any]]  # (group, body without sequence_id)
_Maker = Callable[[Mapping[str, Any], PrinterSnapshot], Request]


def _print(command: str, **fields: Any) -> Request:
    return "print", {"command": command, **fields}


def _gcode(*lines: str) -> Request:
    return _print("gcode_line", param="\n".join(lines) + "\n")


def build(command: Command, snapshot: PrinterSnapshot, run_id: int = 0) -> Request:
    """The request for ``command``; raises ``NotSupported`` or ``CommandRejected``."""
    if command.action is Action.START:
        return _start(command.params, run_id)
    maker = _MAKERS.get(command.action)
    if maker is None:
        raise NotSupported(f"this printer has no {command.action.value}")
    return maker(command.params, snapshot)


def _simple(name: str) -> _Maker:
    # P2S silently drops these without `param`.
    return lambda params, snapshot: _print(name, param="")


def _speed(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    factor = number(params.get("factor"))
    for level, known in SPEED_FACTORS.items():
        if factor is not None and abs(known - factor) < 0.005:
            return _print("print_speed", param=str(level))
    raise CommandRejected("speed is one of four levels: 0.5, 1.0, 1.24 or 1.66")


def _light(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    name, mode = params.get("name"), params.get("mode")
    if name not in snapshot.lights:
        known = ", ".join(sorted(snapshot.lights)) or "none"
        raise CommandRejected(f"the printer reports no such light: known are {known}")
    if mode not in _LIGHT_MODES:
        raise CommandRejected("mode of a light is on, off or flashing")
    return "system", {
        "command": "ledctrl",
        "led_node": name,
        "led_mode": mode,
        "led_on_time": 500,
        "led_off_time": 500,
        "loop_times": 0,
        "interval_time": 0,
    }


def _start(params: Mapping[str, Any], run: int) -> Request:
    filename = params.get("filename")
    if not isinstance(filename, str) or not _SAFE_NAME.match(filename) or ".." in filename:
        raise CommandRejected("filename must be the path of a file on the printer")
    path = filename.lstrip("/")
    base = path.rsplit("/", 1)[-1]
    if not base.lower().endswith(".3mf"):
        return _print("gcode_file", param=f"/{path}")
    plate = integer(params.get("plate", 1))
    if plate is None or not 1 <= plate <= 999:
        raise CommandRejected("plate must be a number from 1 to 999")
    mapping = params.get("ams_mapping")
    if mapping is not None and not _is_mapping(mapping):
        raise CommandRejected("ams_mapping must be a list of slot numbers, -1 for none")
    name = re.sub(r"(\.gcode)?\.3mf$", "", base, flags=re.IGNORECASE)
    fields: dict[str, Any] = {
        "param": f"Metadata/plate_{plate}.gcode",
        "url": f"ftp:///{path}",
        "file": path,
        "md5": text(params.get("md5")) or "",
        "subtask_name": name,
        "project_id": "0",
        "profile_id": "0",
        "task_id": str(run),
        "subtask_id": str(run),
        "bed_type": text(params.get("bed_type")) or "auto",
        "bed_leveling": _flag(params, "bed_leveling", True),
        "flow_cali": _flag(params, "flow_cali", False),
        "vibration_cali": _flag(params, "vibration_cali", False),
        "layer_inspect": _flag(params, "layer_inspect", False),
        "timelapse": _flag(params, "timelapse", False),
        # a number here stops an H2D
        "use_ams": _flag(params, "use_ams", mapping is not None),
        "ams_mapping": mapping if mapping is not None else [],
        "cfg": "0",
    }
    for name in _GRADES:  # not every model knows them: only what was asked for is sent
        if name in params:
            fields[name] = _grade(params, name)
    nozzles = params.get("nozzle_mapping")
    if nozzles is not None:
        if not _is_mapping(nozzles):
            raise CommandRejected("nozzle_mapping must be a list of nozzle numbers, -1 for none")
        fields["nozzle_mapping"] = nozzles
    if mapping:
        fields["ams_mapping2"] = [_place(slot) for slot in mapping]
    return _print("project_file", **fields)


def _flag(params: Mapping[str, Any], name: str, default: bool) -> bool:
    """A switch; over HTTP it arrives as text."""
    value = params.get(name, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if type(value) is not bool:
        raise CommandRejected(f"{name} must be true or false")
    return value


def _grade(params: Mapping[str, Any], name: str) -> int:
    grade = integer(params.get(name))
    if grade not in (0, 1, 2):
        raise CommandRejected(f"{name} must be 0 (off), 1 (on) or 2 (as the printer thinks best)")
    return grade


def _is_mapping(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 64
        and all(type(slot) is int and -1 <= slot < 256 for slot in value)
    )


def _place(slot: int) -> dict[str, int]:
    if slot < 0:
        return {"ams_id": 255, "slot_id": 255}
    if slot >= 128:
        return {"ams_id": slot, "slot_id": 0}
    return {"ams_id": slot // 4, "slot_id": slot % 4}


def _temperature(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    heater = params.get("heater")
    target = number(params.get("target"))
    if not isinstance(heater, str) or heater not in snapshot.heaters:
        raise CommandRejected("the printer reports no such heater")
    if heater == "chamber" and snapshot.model in WITHOUT_CHAMBER_HEATER:
        raise CommandRejected("this printer can measure its chamber but not heat it")
    if target is None or not 0.0 <= target <= _HEATER_LIMITS[heater]:
        raise CommandRejected(f"target of {heater} must be 0 to {_HEATER_LIMITS[heater]:.0f} C")
    if heater == "heater_bed":
        return _gcode(f"M140 S{target:.0f}")
    if heater == "chamber":
        return _print("set_ctt", ctt_val=round(target))
    if "extruder1" in snapshot.heaters:
        return _gcode(f"M104 T{1 if heater == 'extruder1' else 0} S{target:.0f}")
    return _gcode(f"M104 S{target:.0f}")


def _fan(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    name, speed = params.get("name"), number(params.get("speed"))
    if name not in _FAN_PORTS or name not in snapshot.fans:
        raise CommandRejected("the printer reports no such fan that can be set")
    if speed is None or not 0.0 <= speed <= 1.0:
        raise CommandRejected("speed of a fan must be 0.0 to 1.0")
    return _gcode(f"M106 P{_FAN_PORTS[name]} S{round(speed * 255)}")


def _skip_objects(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    objects = params.get("objects")
    if (
        not isinstance(objects, list)
        or not 0 < len(objects) <= 64
        or not all(type(item) is int and item >= 0 for item in objects)
    ):
        raise CommandRejected("objects must be a list of the numbers the slicer gave them")
    return _print("skip_objects", obj_list=objects)


def _slot_of(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> tuple[int, int]:
    unit_id, index = params.get("unit"), integer(params.get("slot"))
    for unit in snapshot.filament.units if snapshot.filament else ():
        for slot in unit.slots:
            if unit.id == unit_id and slot.index == index:
                return unit.id, slot.index
    if unit_id is None and index in (0, 1):
        return 255 - index, 0
    raise CommandRejected("the printer reports no such filament slot")


def _load(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    unit, slot = _slot_of(params, snapshot)
    temperature = integer(params.get("temperature")) or 220
    if not 170 <= temperature <= 350:
        raise CommandRejected("temperature must be 170 to 350 C")
    target = 254 if unit >= 254 else unit if unit >= 128 else unit * 4 + slot
    return _print(
        "ams_change_filament",
        ams_id=unit,
        slot_id=slot,
        target=target,
        curr_temp=temperature,
        tar_temp=temperature,
    )


def _unload(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    return _print(
        "ams_change_filament", ams_id=255, slot_id=255, target=255, curr_temp=220, tar_temp=220
    )


def _set_filament(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    unit, slot = _slot_of(params, snapshot)
    material, color = text(params.get("material")), params.get("color")
    if not material or material.upper() not in FILAMENTS:
        raise CommandRejected("material must be one of " + ", ".join(sorted(FILAMENTS)))
    if not isinstance(color, str) or not _COLOR.match(color):
        raise CommandRejected("color must be written as RRGGBB")
    profile, low, high = FILAMENTS[material.upper()]
    external = unit >= 254
    return _print(
        "ams_filament_setting",
        ams_id=255 if external else unit,
        tray_id=unit if external else slot,
        slot_id=slot,
        tray_info_idx=profile,
        tray_color=f"{color.upper()}FF",
        nozzle_temp_min=low,
        nozzle_temp_max=high,
        tray_type=material.upper(),
    )


def _dry(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    unit_id, hours = params.get("unit"), integer(params.get("hours", 0))
    units = snapshot.filament.units if snapshot.filament else ()
    if not any(u.id == unit_id and u.kind in ("AMS 2 Pro", "AMS HT") for u in units):
        raise CommandRejected("only an AMS 2 Pro or AMS HT can dry filament")
    if not hours:
        return _print("auto_stop_ams_dry", ams_id=unit_id)
    temperature = integer(params.get("temperature"))
    if temperature is None or not 40 <= temperature <= 85 or not 0 < hours <= 48:
        raise CommandRejected("drying takes 1 to 48 hours at 40 to 85 C")
    return _print(
        "ams_filament_drying",
        ams_id=unit_id,
        temp=temperature,
        cooling_temp=45,
        duration=hours,
        humidity=0,
        mode=1,
        rotate_tray=False,
        filament="",
        close_power_conflict=False,
    )


def _clear_error(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    error: Optional[int] = None
    for fault in snapshot.faults:
        if len(fault.code) == 9:  # a print error; HMS codes have four groups
            error = int(fault.code.replace("_", ""), 16)
    if error is None:
        raise CommandRejected("there is no error to clear")
    return _print("clean_print_error", print_error=error, subtask_id="0")


def _allowed_gcode(params: Mapping[str, Any], snapshot: PrinterSnapshot) -> Request:
    script = params.get("script")
    lines = [line.strip() for line in script.splitlines()] if isinstance(script, str) else []
    lines = [line for line in lines if line]
    if not lines or len(lines) > MAX_GCODE_LINES:
        raise CommandRejected(f"give 1 to {MAX_GCODE_LINES} lines of G-code")
    for line in lines:
        if not _GCODE.match(line.upper()):
            raise CommandRejected(
                "only G28, M104, M106, M107, M140, M141, M220 and M221 are passed on"
            )
    return _gcode(*(line.upper() for line in lines))


_MAKERS: Mapping[Action, _Maker] = {
    Action.PAUSE: _simple("pause"),
    Action.RESUME: _simple("resume"),
    Action.CANCEL: _simple("stop"),
    Action.SPEED: _speed,
    Action.LIGHT: _light,
    Action.TEMPERATURE: _temperature,
    Action.FAN: _fan,
    Action.SKIP_OBJECTS: _skip_objects,
    Action.LOAD_FILAMENT: _load,
    Action.UNLOAD_FILAMENT: _unload,
    Action.SET_FILAMENT: _set_filament,
    Action.DRY: _dry,
    Action.CLEAR_ERROR: _clear_error,
    Action.GCODE: _allowed_gcode,
}
ACTIONS = frozenset({*_MAKERS, Action.START})

FULL_REPORT: Request = ("pushing", {"command": "pushall", "version": 1, "push_target": 1})
START_REPORTS: Request = ("pushing", {"command": "start"})
MODULES: Request = ("info", {"command": "get_version"})
