# stg_cur -> what the printer is doing, in words
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The sub-stage of a print. Unknown numbers become ``stage_<n>``."""

from __future__ import annotations

from typing import Optional

# -1 and 255 are idle; 0 is "printing" while a job runs and otherwise a boot value.
STAGES = {
    1: "auto bed leveling",
    2: "heatbed preheating",
    3: "vibration compensation",
    4: "changing filament",
    5: "pause in the G-code",
    6: "paused: filament ran out",
    7: "heating the hotend",
    8: "calibrating extrusion",
    9: "scanning the bed",
    10: "inspecting the first layer",
    11: "identifying the build plate",
    12: "calibrating the micro lidar",
    13: "homing",
    14: "cleaning the nozzle",
    15: "checking the extruder temperature",
    16: "paused by the user",
    17: "paused: front cover",
    18: "calibrating the micro lidar",
    19: "calibrating the flow",
    20: "paused: nozzle temperature fault",
    21: "paused: bed temperature fault",
    22: "unloading filament",
    23: "paused: skipped step",
    24: "loading filament",
    25: "calibrating motor noise",
    26: "paused: AMS lost",
    27: "paused: heatbreak fan",
    28: "paused: chamber temperature",
    29: "cooling the chamber",
    30: "paused by the G-code",
    31: "motor noise showoff",
    32: "paused: nozzle covered with filament",
    33: "paused: cutter",
    34: "paused: first layer",
    35: "paused: nozzle clog",
    36: "checking accuracy",
    37: "calibrating accuracy",
    38: "checking accuracy",
    39: "calibrating the nozzle offset",
    40: "bed leveling, hot",
    41: "checking the quick release lever",
    42: "checking door and cover",
    43: "calibrating the laser",
    44: "checking the platform",
    45: "checking the bird's-eye camera",
    46: "calibrating the bird's-eye camera",
    47: "bed leveling, phase 1",
    48: "bed leveling, phase 2",
    49: "heating the chamber",
    50: "cooling the bed",
    51: "printing calibration lines",
    52: "checking the material",
    53: "calibrating the live view camera",
    54: "waiting for the bed temperature",
    55: "checking the material position",
    56: "calibrating the cutter offset",
    57: "measuring the surface",
    58: "thermal preconditioning",
    59: "homing the blade holder",
    60: "calibrating the camera offset",
    61: "calibrating the blade holder",
    62: "picking a hotend",
    63: "equalizing the chamber temperature",
    64: "preparing the hotend",
    65: "calibrating clump detection",
    66: "purifying the chamber air",
    67: "calibrating the rotary attachment",
    68: "moving above the purge chute",
    69: "cooling the nozzle",
    70: "centering the hotend",
    71: "calibrating arc fitting",
    72: "checking the hotend type",
    73: "checking the plate alignment",
    74: "checking the bed for objects",
    75: "checking the underside of the bed",
    76: "pre-extruding",
    77: "preparing the AMS",
}
_IDLE = (-1, 255)


def stage(number: Optional[int], gcode_state: Optional[str]) -> Optional[str]:
    if number is not None and number != 0 and number not in _IDLE:
        return STAGES.get(number, f"stage_{number}")
    if gcode_state == "RUNNING" and number == 0:
        return "printing"
    if gcode_state in ("PREPARE", "SLICING"):
        return "preparing" if gcode_state == "PREPARE" else "slicing"
    return None
