# Guard rules: told once, never for a heat-up, never for nothing
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import math
from dataclasses import replace

import pytest
from moonfleet.core.guards import Guard, GuardAction, GuardRules
from moonfleet.core.model import (
    Fault,
    Filament,
    FilamentUnit,
    Heater,
    Job,
    PrinterSnapshot,
    PrintState,
    Severity,
    Slot,
)

PRINTING = PrinterSnapshot(
    state=PrintState.PRINTING,
    heaters={"extruder": Heater(220.0, 220.0), "heater_bed": Heater(60.0, 60.0)},
    job=Job(progress=0.3, layer=10),
)
COLD = replace(PRINTING, heaters={"extruder": Heater(150.0, 220.0)})
PAUSE = GuardAction.PAUSE


def play(rules: GuardRules, rows) -> list[tuple[float, str]]:
    """Rows of (time, snapshot, online); what was told, and when."""
    guard = Guard(rules)
    told = []
    for now, snapshot, online in rows:
        told += [(now, alert.rule) for alert in guard.observe(snapshot, online, now)]
    return told


def every(seconds, end, snapshot, online=True, start=0.0):
    return [(start + t, snapshot, online) for t in range(0, end, seconds)]


def test_everything_is_off_by_default():
    faulty = replace(COLD, faults=(Fault("0300_8015", Severity.FATAL),))
    assert play(GuardRules(), [*every(60, 36000, faulty), *every(60, 600, faulty, False)]) == []


def test_a_heater_away_from_its_target():
    rules = GuardRules(heater_off_target=120.0)
    rows = [(0, PRINTING, True), *every(10, 600, COLD, start=10)]
    assert play(rules, rows) == [(130, "heater_off_target")]


def test_a_heat_up_is_no_trouble():
    rules = GuardRules(heater_off_target=60.0)
    assert play(rules, every(10, 3600, COLD)) == []


def test_a_new_target_is_a_new_heat_up():
    rules = GuardRules(heater_off_target=60.0)
    hotter = replace(PRINTING, heaters={"extruder": Heater(221.0, 260.0)})
    assert play(rules, [(0, PRINTING, True), *every(10, 600, hotter, start=10)]) == []


def test_a_short_dip_is_no_trouble_and_a_second_long_one_is_told_again():
    rules = GuardRules(heater_off_target=60.0)
    rows = []
    for start in (0, 100, 200, 400):
        rows += [(start, PRINTING, True), *every(10, 50, COLD, start=start + 10)]
    assert play(rules, rows) == []
    rows = []
    for start in (0, 200):
        rows += [(start, PRINTING, True), *every(10, 150, COLD, start=start + 10)]
    assert [rule for _, rule in play(rules, rows)] == ["heater_off_target"] * 2


def test_no_progress():
    rules = GuardRules(no_progress=600.0)
    moving = [(60 * n, replace(PRINTING, job=Job(progress=0.006 * n)), True) for n in range(60)]
    assert play(rules, moving) == []
    layers = [(500 * n, replace(PRINTING, job=Job(progress=0.3, layer=n)), True) for n in range(9)]
    assert play(rules, layers) == []
    assert play(rules, every(60, 7200, PRINTING)) == [(600, "no_progress")]


def test_a_pause_is_not_a_lack_of_progress():
    rules = GuardRules(no_progress=600.0)
    paused = replace(PRINTING, state=PrintState.PAUSED)
    rows = [*every(60, 300, PRINTING), *every(60, 7200, paused, start=300)]
    rows += every(60, 300, PRINTING, start=7500)
    assert play(rules, rows) == []


@pytest.mark.parametrize("unit", [0, None])
def test_runout(unit):
    def filament(present):
        slots = (Slot(0, present),)
        if unit is None:
            return Filament(external=slots, active={"extruder": (None, 0)})
        return Filament(units=(FilamentUnit(unit, slots=slots),), active={"extruder": (unit, 0)})

    rules = GuardRules(filament_runout=True, action=PAUSE)
    full, unknown, empty = (replace(PRINTING, filament=filament(p)) for p in (True, None, False))
    rows = [(0, full, True), (1, unknown, True), (2, empty, True), (3, empty, True)]
    assert play(rules, rows) == [(2, "filament_runout")]
    alert = Guard(rules).observe(empty, True, 0.0)[0]
    assert alert.action is PAUSE


def test_listed_fault_codes_only():
    rules = GuardRules(fault_codes=frozenset({"0300_8015"}))
    other = replace(PRINTING, faults=(Fault("0500_C011", Severity.FATAL),))
    listed = replace(PRINTING, faults=(Fault("0300_8015", Severity.COMMON),))
    rows = [(0, other, True), (1, listed, True), (2, listed, True), (3, other, True)]
    assert play(rules, [*rows, (4, listed, True)]) == [(1, "fault_codes"), (4, "fault_codes")]


def test_out_of_reach_while_printing():
    rules = GuardRules(offline=300.0, action=PAUSE)
    rows = [(0, PRINTING, True), *every(30, 900, PRINTING, False, 10)]
    assert play(rules, rows) == [(310, "offline")]
    idle = replace(PRINTING, state=PrintState.STANDBY)
    assert play(rules, [(0, idle, True), *every(30, 900, idle, False, 10)]) == []
    guard = Guard(rules)
    guard.observe(PRINTING, False, 0.0)
    (alert,) = guard.observe(PRINTING, False, 400.0)
    assert alert.action is GuardAction.NOTIFY  # nothing can be sent to it


def test_an_absence_does_not_clear_what_was_told():
    rules = GuardRules(fault_codes=frozenset({"A"}))
    bad = replace(PRINTING, faults=(Fault("A", Severity.FATAL),))
    rows = [(0, bad, True), (10, bad, False), (20, bad, True)]
    assert play(rules, rows) == [(0, "fault_codes")]


def test_numbers_that_are_none():
    rules = GuardRules(heater_off_target=1.0, no_progress=1.0)
    strange = replace(
        PRINTING, heaters={"extruder": Heater(None, 220.0), "x": Heater(math.nan, 5.0)}, job=None
    )
    guard = Guard(rules)
    guard.observe(PRINTING, True, 0.0)
    assert guard.observe(strange, True, 0.5) == []
