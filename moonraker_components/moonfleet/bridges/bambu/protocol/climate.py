# Temperatures and fans: which of the printer's several sources to believe
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Legacy keys name the active extruder only; ``device`` names each, packed with its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....core.model import Heater
from .models import WITHOUT_CHAMBER_HEATER, WITHOUT_CHAMBER_SENSOR
from .values import integer, number, packed_celsius

# Written by printers that have no chamber sensor.
NO_CHAMBER = 5.0
EXTRUDERS = {0: "extruder", 1: "extruder1"}
FAN_KEYS = {
    "cooling_fan_speed": "part",
    "big_fan1_speed": "aux",
    "big_fan2_speed": "chamber",
    "heatbreak_fan_speed": "heatbreak",
}
# airduct part id >> 4; 6 (heater or filter fan) has no name in the fleet's words
AIRDUCT_FANS = {1: "part", 2: "aux", 3: "chamber"}
LEFT_AUX = 10
AIRDUCT_PARTS = frozenset({*AIRDUCT_FANS, LEFT_AUX})


def fan_step(value: Any) -> Optional[float]:
    """ "0".."15" -> 0..1."""
    step = integer(value)
    return None if step is None or not 0 <= step <= 15 else round(step / 15.0, 2)


def heaters(facts: Mapping[str, Any], model: Optional[str]) -> dict[str, Heater]:
    found = _extruders(facts)
    bed = _bed(facts)
    if bed is not None:
        found["heater_bed"] = bed
    chamber = _chamber(facts, model)
    if chamber is not None:
        found["chamber"] = chamber
    return found


def _extruders(facts: Mapping[str, Any]) -> dict[str, Heater]:
    legacy = _plain(facts.get("nozzle_temper"), facts.get("nozzle_target_temper"))
    packed: Mapping[int, tuple[float, float]] = facts.get("extruder_temps") or {}
    if len(packed) <= 1 and legacy is not None and (not packed or facts.get("legacy_nozzle")):
        return {"extruder": legacy}
    if not packed and facts.get("nozzle0") is not None:
        return {"extruder": Heater(*facts["nozzle0"])}
    return {EXTRUDERS[i]: Heater(*packed[i]) for i in EXTRUDERS if i in packed}


def _plain(actual: Optional[float], target: Optional[float]) -> Optional[Heater]:
    return None if actual is None and target is None else Heater(actual, target)


def _bed(facts: Mapping[str, Any]) -> Optional[Heater]:
    plain = _plain(facts.get("bed_temper"), facts.get("bed_target_temper"))
    packed = facts.get("device_bed")
    if plain is None or (packed is not None and not facts.get("legacy_bed")):
        return plain if packed is None else Heater(*packed)
    return plain


def _chamber(facts: Mapping[str, Any], model: Optional[str]) -> Optional[Heater]:
    packed = facts.get("ctc") or facts.get("cham_temp")
    if packed is not None:
        return Heater(packed[0], packed[1], model not in WITHOUT_CHAMBER_HEATER)
    actual = facts.get("chamber_temper")
    if actual is None or model in WITHOUT_CHAMBER_SENSOR:
        return None
    if actual == NO_CHAMBER and model is None:
        return None
    return Heater(actual, facts.get("ctt"))


def fans(facts: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, name in FAN_KEYS.items():
        value = facts.get(key)
        if value is not None:
            found[name] = value
    airduct: Mapping[int, float] = facts.get("airduct") or {}
    for part, share in airduct.items():
        known = AIRDUCT_FANS.get(part >> 4)
        if known is not None:
            found[known] = share
    if LEFT_AUX << 4 in airduct and 2 << 4 not in airduct:
        found["aux"] = airduct[LEFT_AUX << 4]
    return found


def device_facts(device: Mapping[str, Any]) -> dict[str, Any]:
    """The scalar temperatures inside ``device`` that are present and make sense."""
    found: dict[str, Any] = {}
    bed = packed_celsius(_nested(device.get("bed"), "info", "temp"))
    if bed is None:
        bed = packed_celsius(device.get("bed_temp"))
    if bed is not None:
        found["device_bed"] = bed
    ctc = packed_celsius(_nested(device.get("ctc"), "info", "temp"))
    if ctc is not None:
        found["ctc"] = ctc
    chamber = packed_celsius(device.get("cham_temp"))
    if chamber is not None:
        found["cham_temp"] = chamber
    nozzle = packed_celsius(_nested(device.get("nozzle"), "0", "temp"))
    if nozzle is not None:
        found["nozzle0"] = nozzle
    return found


def _nested(value: Any, *path: str) -> Any:
    for key in path:
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


def airduct_parts(value: Any) -> dict[int, float]:
    """``device.airduct`` -> {part id: 0..1}; entries that make no sense are left out."""
    parts = _nested(value, "parts")
    found: dict[int, float] = {}
    if type(parts) is list:
        for part in parts[:32]:
            if type(part) is not dict:
                continue
            number_, share = integer(part.get("id")), number(part.get("state"))
            if number_ is None or number_ >> 4 not in AIRDUCT_PARTS:
                continue
            if share is not None and 0.0 <= share <= 100.0:
                found[number_] = round(share / 100.0, 2)
    return found
