# What proves a command
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``core.commands.confirmed`` for what the interfaces' filament and fan controls ask."""

from __future__ import annotations

from dataclasses import replace

import pytest
from moonfleet.core.commands import Action, Command
from moonfleet.core.model import Fault, Filament, Heater, PrinterSnapshot, Severity
from moonfleet.core.proofs import confirmed, provable

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


def test_a_fault_that_goes_by_itself_does_not_prove_that_an_error_was_cleared() -> None:
    notice, error = (Fault(c, Severity.COMMON) for c in ("0500_0100_0002_000B", "0500_C011"))
    command = Command(Action.CLEAR_ERROR)
    assert not confirmed(command, after(faults=(notice, error)), after(faults=(error,)))
    assert confirmed(command, after(faults=(notice, error)), after(faults=(notice,)))
    assert not confirmed(command, printing(), printing())


def test_skipped_objects() -> None:
    skip = Command(Action.SKIP_OBJECTS, {"objects": [17, 21]})
    some = replace(printing().job_report, skipped=(3, 17))
    every = replace(printing().job_report, skipped=(3, 17, 21))
    assert not confirmed(skip, printing(), after(job_report=some))
    assert confirmed(skip, printing(), after(job_report=every))
    for senseless in (None, [], "17", [[17]]):
        command = Command(Action.SKIP_OBJECTS, {"objects": senseless})
        assert not confirmed(command, printing(), after(job_report=every))


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("M104 S200", True),
        ("M104 T1 S150\nM140 S60", True),
        ("M104 S210", False),
        ("M140 S60\nM106 P1 S255", False),
        ("G28", False),
        ("M104 S", False),
        ("", False),
        (None, False),
    ],
)
def test_gcode_is_proved_by_heater_targets_alone(script: object, shown: bool) -> None:
    heaters = {
        "extruder": Heater(20.0, 200.0),
        "extruder1": Heater(20.0, 150.0),
        "heater_bed": Heater(20.0, 60.0),
    }
    command = Command(Action.GCODE, {"script": script})
    assert confirmed(command, printing(), after(heaters=heaters)) is shown


def test_what_could_be_seen() -> None:
    for script, seen in (("M104 S200", True), ("m140 s60\n\nM104 S0", True), ("G28", False)):
        assert provable(Command(Action.GCODE, {"script": script})) is seen
    assert not provable(Command(Action.GCODE, {"script": "M104 S200\nM107"}))
    assert not provable(Command(Action.GCODE))
    assert provable(Command(Action.PAUSE))


def test_a_target_is_told_in_whole_degrees() -> None:
    bed = after(heaters={"heater_bed": Heater(20.0, 60.0)})
    for target, shown in ((60.4, True), (60.5, True), (61.0, False), ("60", False), (True, False)):
        command = Command(Action.TEMPERATURE, {"heater": "heater_bed", "target": target})
        assert confirmed(command, printing(), bed) is shown


def test_setting_a_slot() -> None:
    place = {"unit": 0, "slot": 1, "material": "ABS"}
    assert confirmed(
        Command(Action.SET_FILAMENT, {**place, "color": "FF0000"}), printing(), printing()
    )
    assert not confirmed(
        Command(Action.SET_FILAMENT, {**place, "color": "00FF00"}), printing(), printing()
    )
    gone = {"unit": 9, "slot": 254, "material": "TPU", "color": "0000FF"}
    assert not confirmed(Command(Action.SET_FILAMENT, gone), printing(), printing())
    external = {"unit": None, "slot": 254, "material": "TPU", "color": "0000FF"}
    assert confirmed(Command(Action.SET_FILAMENT, external), printing(), printing())
