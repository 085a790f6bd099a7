# The configfile object: settings that make every panel right
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. ``config`` stays empty: filled, both interfaces demand sections that make no sense here.

Limits are what the interfaces check an entered temperature against; the printer has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .view import View

LIMITS = {"extruder": 300.0, "heater_bed": 120.0, "chamber": 65.0}
#: product name -> what differs from the above
MODEL_LIMITS: Mapping[str, Mapping[str, float]] = {
    "H2D": {"extruder": 350.0},
    "H2S": {"extruder": 350.0},
    "H2C": {"extruder": 350.0},
    "H2D Pro": {"extruder": 350.0},
    "X1E": {"extruder": 320.0},
}
DRYER_LIMIT = 85.0


def configfile(
    view: View, objects: Mapping[str, Any], macros: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The same object as long as the printer has the same parts; never to be changed."""
    return _configfile(tuple(objects), view.snapshot.model or "", Frozen(macros))


class Frozen:
    """Macros as a key: what they are follows from their names."""

    def __init__(self, macros: Mapping[str, Mapping[str, Any]]) -> None:
        self.macros = macros
        self._key = tuple(macros)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=64)
def _configfile(objects: tuple[str, ...], model: str, frozen: Frozen) -> dict[str, Any]:
    # kinematics "none": homing and moving are not offered, because they cannot be done
    settings: dict[str, Any] = {
        "printer": {"kinematics": "none", "max_velocity": 300.0, "max_accel": 3000.0},
        "virtual_sdcard": {"path": ""},
        "pause_resume": {"recover_velocity": 50.0},
        "display_status": {},
    }
    for name in objects:
        kind, _, short = name.partition(" ")
        if kind.startswith("extruder"):
            settings[name] = {
                "min_temp": 0.0,
                "max_temp": _limit(model, "extruder"),
                "min_extrude_temp": 170.0,
                "filament_diameter": 1.75,
            }
        elif kind == "heater_bed":
            settings[name] = {"min_temp": 0.0, "max_temp": _limit(model, "heater_bed")}
        elif kind == "heater_generic":
            limit = _limit(model, "chamber") if short == "chamber" else DRYER_LIMIT
            settings[name.lower()] = {"min_temp": 0.0, "max_temp": limit}
        elif kind == "temperature_sensor":
            settings[name.lower()] = {"min_temp": -50.0, "max_temp": 150.0}
        elif kind in ("fan", "fan_generic", "heater_fan"):
            settings[name.lower()] = {"max_power": 1.0, "off_below": 0.0}
        elif kind == "led":
            # a white channel only: the interfaces then offer brightness and no colour wheel
            settings[name.lower()] = {"white_pin": "printer", "initial_white": 0.0}
    for name, macro in frozen.macros.items():
        settings[name.lower()] = dict(macro)
    return {
        "config": {},
        "settings": settings,
        "warnings": [],
        "save_config_pending": False,
        "save_config_pending_items": {},
    }


def _limit(model: str, heater: str) -> float:
    return MODEL_LIMITS.get(model, {}).get(heater, LIMITS[heater])
