# Which keys of a report are facts, how each is checked, and what each one changes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The table behind ``reports``: key -> (check, parts of the snapshot that depend on it).

A check returns None for anything that makes no sense; such a value is "not said" and leaves what
was known. Keys that are not listed are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from . import climate, details, faults
from .filament import Place, place_from_snow, place_from_tray_now
from .values import celsius, hexadecimal, integer, number, packed_celsius, text

(HEATERS, FANS, SPEED, JOB, UNITS, EXTERNAL, ACTIVE, FAULTS, LIGHTS, ACCEPTS, VERSION) = (
    1 << bit for bit in range(11)
)

SIGNATURE_REQUIRED = 0x20000000  # bit of `fun`: commands must be signed, developer mode is off
SPEED_FACTORS = {1: 0.5, 2: 1.0, 3: 1.24, 4: 1.66}
MAX_LIGHTS = 16
MAX_OBJECTS = 256
_LIGHT_MODES = frozenset({"on", "off", "flashing"})


def _percent(value: Any) -> Optional[float]:
    result = number(value)
    return result if result is not None and 0.0 <= result <= 100.0 else None


def _minutes(value: Any) -> Optional[float]:
    result = number(value)
    return result if result is not None and 0.0 <= result <= 1e6 else None


def _count(value: Any) -> Optional[int]:
    result = integer(value)
    return result if result is not None and 0 <= result <= 10_000_000 else None


def _magnitude(value: Any) -> Optional[float]:
    result = number(value)
    return result / 100.0 if result is not None and 0.0 < result <= 1000.0 else None


def _upper(value: Any) -> Optional[str]:
    result = text(value)
    return None if result is None else result.upper()


def _lights(value: Any) -> Optional[dict[str, str]]:
    if type(value) is not list:
        return None
    found = {}
    for light in value[:MAX_LIGHTS]:
        if type(light) is dict:
            name, mode = text(light.get("node")), light.get("mode")
            if name and type(mode) is str and mode in _LIGHT_MODES:
                found[name] = mode
    return found


def _object_numbers(value: Any) -> Optional[tuple[int, ...]]:
    if type(value) is not list:
        return None
    return tuple(item for item in map(_count, value[:MAX_OBJECTS]) if item is not None)


SCALARS: Mapping[str, tuple[Callable[[Any], Any], int]] = {
    "nozzle_temper": (celsius, HEATERS),
    "nozzle_target_temper": (celsius, HEATERS),
    "bed_temper": (celsius, HEATERS),
    "bed_target_temper": (celsius, HEATERS),
    "chamber_temper": (celsius, HEATERS),
    "ctt": (celsius, HEATERS),
    "cooling_fan_speed": (climate.fan_step, FANS),
    "big_fan1_speed": (climate.fan_step, FANS),
    "big_fan2_speed": (climate.fan_step, FANS),
    "heatbreak_fan_speed": (climate.fan_step, FANS),
    "spd_mag": (_magnitude, SPEED),
    "spd_lvl": (integer, SPEED),
    "gcode_state": (_upper, JOB),
    "state": (integer, JOB),
    "mc_percent": (_percent, JOB),
    "percent": (_percent, JOB),
    "mc_remaining_time": (_minutes, JOB),
    "remain_time": (_minutes, JOB),
    "layer_num": (_count, JOB),
    "total_layer_num": (_count, JOB),
    "subtask_name": (text, JOB),
    "gcode_file": (text, JOB),
    "print_type": (text, JOB),
    "task_id": (integer, JOB),
    "subtask_id": (integer, JOB),
    "stg_cur": (integer, JOB),
    "mc_print_error_code": (integer, JOB),
    "s_obj": (_object_numbers, JOB),
    "print_error": (faults.print_error, JOB | FAULTS),
    "hms": (faults.hms_entries, FAULTS),
    "lights_report": (_lights, LIGHTS),
    "fun": (hexadecimal, ACCEPTS),
    # facts beside the snapshot
    "wifi_signal": (details.wifi, 0),
    "sdcard": (details.storage, 0),
    "home_flag": (details.home_flag, 0),
    "stat": (details.stat, 0),
    "upgrade_state": (details.update, 0),
    "ipcam": (details.liveview, 0),
}

STRUCTURES = ("device", "ams", "vir_slot", "vt_tray", "3D")  # in this order in a full report

# (legacy key, fact from `device`, mark): the same quantity told twice
RIVALS = (
    ("nozzle_temper", "extruder_temps", "legacy_nozzle"),
    ("bed_temper", "device_bed", "legacy_bed"),
)

# Facts taken out of structures.
DERIVED: Mapping[str, int] = {
    "3d_layer": JOB,
    "3d_layers": JOB,
    "device_bed": HEATERS,
    "ctc": HEATERS,
    "cham_temp": HEATERS,
    "nozzle0": HEATERS,
    "extruder_temps": HEATERS,
    "airduct": FANS,
    "snow": ACTIVE,
    "tray_now": ACTIVE,
    "tray_exist_bits": UNITS,
    "ams_exist_bits": UNITS,
    "legacy_nozzle": HEATERS,
    "legacy_bed": HEATERS,
}


def layers_3d(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        return {}
    found = {
        "3d_layer": _count(value.get("layer_num")),
        "3d_layers": _count(value.get("total_layer_num")),
    }
    return {key: fact for key, fact in found.items() if fact is not None}


def ams_scalars(ams: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    now = integer(ams.get("tray_now"))
    if now is not None:
        found["tray_now"] = now
    for key in ("tray_exist_bits", "ams_exist_bits"):
        bits = hexadecimal(ams.get(key))
        if bits is not None:
            found[key] = bits
    return found


def extruders(value: Any) -> tuple[dict[int, tuple[float, float]], dict[int, int]]:
    """``device.extruder`` -> temperatures and filament places by extruder id."""
    temps: dict[int, tuple[float, float]] = {}
    places: dict[int, int] = {}
    entries = value.get("info") if type(value) is dict else None
    if type(entries) is not list:
        return temps, places
    for entry in entries[:8]:
        if type(entry) is not dict:
            continue
        extruder = integer(entry.get("id"))
        if extruder not in climate.EXTRUDERS:
            continue
        packed = packed_celsius(entry.get("temp"))
        if packed is not None:
            temps[extruder] = packed
        snow = integer(entry.get("snow"))
        if snow is not None and 0 <= snow <= 0xFFFF:
            places[extruder] = snow
    return temps, places


def speed_factor(facts: Mapping[str, Any]) -> Optional[float]:
    magnitude: Optional[float] = facts.get("spd_mag")
    if magnitude is not None:
        return magnitude
    return SPEED_FACTORS.get(facts.get("spd_lvl", 0))


def active_places(facts: Mapping[str, Any]) -> dict[str, Place]:
    """What feeds which nozzle; `tray_now` lies on printers that name each nozzle's place."""
    snow: Optional[Mapping[int, int]] = facts.get("snow")
    if snow:
        found = {climate.EXTRUDERS[i]: place_from_snow(snow[i]) for i in sorted(snow)}
        return {name: place for name, place in found.items() if place is not None}
    now = facts.get("tray_now")
    place = None if now is None else place_from_tray_now(now)
    return {} if place is None else {"extruder": place}
