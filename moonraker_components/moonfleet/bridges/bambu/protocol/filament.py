# AMS units, slots and spools
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Filament as the printer tells it; presence is read from bits, never from a text.

The trees kept here are the printer's own small dicts, cut down to the keys that are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....core.model import Drying, FilamentUnit, Slot
from .values import celsius, hexadecimal, integer, number, text

KINDS = {1: "AMS", 2: "AMS Lite", 3: "AMS 2 Pro", 4: "AMS HT", 5: "AMS Lite"}
LITE = "AMS Lite"
MAX_UNITS = 24
MAX_SLOTS = 16
HT_BASE = 128
A2L_BASE = 16

UNIT_KEYS = ("info", "humidity_raw", "temp", "dry_time")
FILAMENT_KEYS = ("tray_type", "tray_color", "remain")
_PLAIN = (str, int, float)

Tray = dict[str, Any]


class Unit:
    """What is known of one AMS: its own values and its trays by number."""

    __slots__ = ("trays", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.trays: dict[int, Tray] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unit) and self.values == other.values and self.trays == other.trays

    __hash__ = None  # type: ignore[assignment]

    def update(self, report: Mapping[str, Any], full: bool) -> None:
        values = self.values
        for key in UNIT_KEYS:
            value = report.get(key)
            if type(value) in _PLAIN:
                values[key] = value
        setting = report.get("dry_setting")
        if type(setting) is dict:
            values["dry_temperature"] = celsius(setting.get("dry_temperature"))
        trays = report.get("tray")
        if type(trays) is not list:
            return
        if full:
            self.trays = {}
        for tray in trays[:MAX_SLOTS]:
            if type(tray) is dict:
                index = integer(tray.get("id"))
                if index is not None and 0 <= index < MAX_SLOTS:
                    self._update_tray(index, tray)

    def _update_tray(self, index: int, report: Mapping[str, Any]) -> None:
        known = external_tray(report)
        state = report.get("state")
        if state is not None:
            state = integer(state)
            if state is not None:
                if not state & 1 and not known:
                    self.trays[index] = {"state": state}  # the slot was emptied
                    return
                known["state"] = state
        elif len(report) == 1:
            self.trays[index] = {}  # only its number: empty, in the words of old firmware
            return
        before = self.trays.get(index)
        if before is None:
            self.trays[index] = known
        else:
            before.update(known)


def tray_bit(unit: int, slot: int) -> int:
    """Position of a slot in ``tray_exist_bits``."""
    if unit >= HT_BASE:
        return 16 + (unit - HT_BASE)
    if unit >= A2L_BASE:
        return 24 + (unit - A2L_BASE) * 4 + slot
    return unit * 4 + slot


def unit_bit(unit: int) -> int:
    """Position of a unit in ``ams_exist_bits``."""
    if unit >= HT_BASE:
        return 4 + (unit - HT_BASE)
    return 12 if unit == A2L_BASE else unit


def build_unit(
    unit_id: int,
    unit: Unit,
    tray_bits: Optional[int],
    unit_bits: Optional[int],
    module: Optional[str],
) -> FilamentUnit:
    if unit_bits is not None and not unit_bits >> unit_bit(unit_id) & 1:
        tray_bits = None  # bits that do not know the unit say nothing of its slots
    info = hexadecimal(unit.values.get("info"))
    kind = KINDS.get(info & 0xF) if info is not None else None
    if kind is None:
        kind = module or ("AMS HT" if unit_id >= HT_BASE else None)
    # Bambu's index 1..5 is no humidity, and no air is at 0 %: that is a unit without a sensor.
    humidity = number(unit.values.get("humidity_raw"))
    if humidity is not None and not 0.0 < humidity <= 100.0:
        humidity = None
    temperature = celsius(unit.values.get("temp"))
    return FilamentUnit(
        id=unit_id,
        kind=kind,
        humidity=humidity,
        temperature=temperature or None,
        drying=_drying(unit.values),
        slots=tuple(
            _slot(unit_id, index, unit.trays[index], tray_bits, kind)
            for index in sorted(unit.trays)
        ),
    )


def _drying(values: Mapping[str, Any]) -> Optional[Drying]:
    minutes = number(values.get("dry_time"))
    if minutes is None or minutes <= 0:
        return None
    target: Optional[float] = values.get("dry_temperature")
    return Drying(minutes * 60.0, target if target is not None and target > 0 else None)


def _slot(
    unit_id: int, index: int, tray: Tray, exist_bits: Optional[int], kind: Optional[str]
) -> Slot:
    state: Optional[int] = tray.get("state")
    if state is not None:
        present: Optional[bool] = bool(state & 1)
    elif exist_bits is not None:
        present = bool(exist_bits >> tray_bit(unit_id, index) & 1)
    else:
        present = True if tray.get("tray_type") else None if tray else False
    if present is False:
        return Slot(index, False)
    return Slot(index, present, *_filament(tray, zero_is_unknown=kind == LITE))


def _filament(
    tray: Tray, zero_is_unknown: bool
) -> tuple[Optional[str], Optional[str], Optional[float]]:
    material = text(tray.get("tray_type")) or None
    color = _color(tray.get("tray_color"))
    if material is None and (color is None or tray.get("tray_color") == "00000000"):
        return None, None, None
    remain = number(tray.get("remain"))
    if remain is None or not 0.0 <= remain <= 100.0 or (remain == 0.0 and zero_is_unknown):
        return material, color, None
    return material, color, remain / 100.0


def _color(value: Any) -> Optional[str]:
    if type(value) is str and len(value) in (6, 8) and hexadecimal(value) is not None:
        short = value[:6].upper()
        return short if short.isalnum() else None
    return None


def build_external(trays: Mapping[int, Tray]) -> tuple[Slot, ...]:
    """External spools: index 0 right or only, 1 left. Nobody senses whether one hangs there."""
    return tuple(
        Slot(index, None, *_filament(trays[index], zero_is_unknown=True)) for index in sorted(trays)
    )


def external_tray(report: Mapping[str, Any]) -> Tray:
    """The keys of a tray that are used, if they are plain values."""
    found = {}
    for key in FILAMENT_KEYS:
        value = report.get(key)
        if type(value) in _PLAIN:
            found[key] = value
    return found


Place = tuple[Optional[int], int]


def place_from_tray_now(value: int) -> Optional[Place]:
    if value == 254:
        return None, 0
    if not 0 <= value < 255:
        return None
    if value >= HT_BASE:
        return value, 0
    return value // 4, value % 4


def place_from_snow(value: int) -> Optional[Place]:
    """``ams << 8 | slot`` of one nozzle; 0xFF.. and 0xFE.. are the external spools."""
    unit, slot = value >> 8, value & 0xFF
    if unit == 0xFF:
        return (None, 0) if slot == 0 else None
    if unit == 0xFE:
        return (None, 1) if slot == 0 else None
    if not 0 <= unit < 0xFE or slot >= MAX_SLOTS:
        return None
    return unit, slot
