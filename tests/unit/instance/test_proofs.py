# What proves a command
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``core.commands.confirmed`` for what the interfaces' filament and fan controls ask."""

from __future__ import annotations

from dataclasses import replace

from moonfleet.core.commands import Action, Command, confirmed
from moonfleet.core.model import Fault, Filament, PrinterSnapshot, Severity

from .house import filament, printing


def after(**more: object) -> PrinterSnapshot:
    return replace(printing(), **more)  # type: ignore[arg-type]


def loaded(**active: tuple[int | None, int]) -> PrinterSnapshot:
    return after(filament=replace(filament(), active=active))


def test_a_fan_is_set_within_the_printers_own_steps() -> None:
    command = Command(Action.FAN, {"name": "part", "speed": 0.5})
    assert confirmed(command, printing(), after(fans={"part": 8 / 15}))
    assert not confirmed(command, printing(), printing())
    assert not confirmed(command, printing(), after(fans={}))


def test_loading_and_unloading() -> None:
    load = Command(Action.LOAD_FILAMENT, {"unit": 0, "slot": 2})
    assert confirmed(load, printing(), loaded(extruder=(0, 2)))
    assert not confirmed(load, printing(), printing())
    unload = Command(Action.UNLOAD_FILAMENT)
    assert confirmed(unload, printing(), loaded())
    assert not confirmed(unload, printing(), printing())
    assert not confirmed(unload, printing(), after(filament=None))


def test_drying() -> None:
    start = Command(Action.DRY, {"unit": 128, "temperature": 65.0, "hours": 8})
    stop = Command(Action.DRY, {"unit": 128, "hours": 0})
    idle = Filament(tuple(replace(unit, drying=None) for unit in filament().units))
    assert confirmed(start, after(filament=idle), printing())
    assert not confirmed(stop, printing(), printing())
    assert confirmed(stop, printing(), after(filament=idle))


def test_clearing_an_error() -> None:
    faulty = after(faults=(Fault("0500_C011", Severity.SERIOUS),))
    assert confirmed(Command(Action.CLEAR_ERROR), faulty, printing())
    assert not confirmed(Command(Action.CLEAR_ERROR), faulty, faulty)


def test_setting_a_slot() -> None:
    place = {"unit": 0, "slot": 1, "material": "ABS"}
    assert confirmed(
        Command(Action.SET_FILAMENT, {**place, "color": "FF0000"}), printing(), printing()
    )
    assert not confirmed(
        Command(Action.SET_FILAMENT, {**place, "color": "00FF00"}), printing(), printing()
    )
    external = {"unit": None, "slot": 254, "material": "TPU", "color": "0000FF"}
    assert confirmed(Command(Action.SET_FILAMENT, external), printing(), printing())
