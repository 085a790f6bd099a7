# Warnings about weak heaters, and none about healthy ones
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A loss of power is noticed early, a rest, a fan or another room is not one."""

from __future__ import annotations

import random

import pytest
from heater_eta.thermal.health import verdict
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterKind

from .drive import drive, reborn
from .plant import HOTEND, THICK_BED, THIN_BED, Plant, heater_spec

CASES = [
    (HOTEND, HeaterKind.HOTEND, (200.0, 220.0, 240.0), 260.0),
    (THIN_BED, HeaterKind.BED, (60.0, 70.0, 55.0), 500.0),
    (THICK_BED, HeaterKind.BED, (90.0, 100.0, 80.0), 1300.0),
]


def once(tracker, spec, seed, target, seconds, strength=1.0):
    tracker = reborn(tracker)
    plant = Plant(spec, seed=seed, ambient=random.Random(seed).uniform(18.0, 26.0), temp=22.0)
    plant.soak(plant.ambient)
    plant.strength = strength
    drive(tracker, plant, 5.0, 1.0)
    plant.target = target
    drive(tracker, plant, seconds, 1.0)
    return tracker


@pytest.mark.parametrize("spec,kind,targets,seconds", CASES)
def test_fifteen_percent_less_power_is_reported_within_three_heat_ups(spec, kind, targets, seconds):
    tracker = HeaterTracker(heater_spec(spec, kind))
    for number in range(8):
        tracker = once(tracker, spec, number, targets[number % 3], seconds)
        assert verdict("x", tracker.to_dict()["strengths"]) is None
    said = None
    for number in range(3):
        tracker = once(tracker, spec, 50 + number, targets[number % 3], seconds * 1.5, 0.85)
        said = said or reborn(tracker)._health
    assert said is not None
    assert said.startswith(tracker.spec.name)
    assert said.count(".") == 1 and said.endswith(".")


def test_the_warning_is_in_every_estimate_and_goes_with_the_cause():
    tracker = HeaterTracker(heater_spec(HOTEND))
    for number in range(8):
        tracker = once(tracker, HOTEND, number, 220.0, 260.0)
    for number in range(3):
        tracker = once(tracker, HOTEND, 60 + number, 220.0, 400.0, 0.8)
    plant = Plant(HOTEND)
    tracker = reborn(tracker)
    assert drive(tracker, plant, 2.0)[-1][1].health
    for number in range(2):
        tracker = once(tracker, HOTEND, 70 + number, 220.0, 260.0)
    tracker = reborn(tracker)
    assert drive(tracker, Plant(HOTEND), 2.0)[-1][1].health is None


def test_no_history_no_warning():
    assert verdict("extruder", []) is None
    assert verdict("extruder", [1.0, 1.0, 0.5, 0.5]) is None


def test_a_heater_whose_heat_ups_vary_is_given_more_room():
    steady = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99]
    restless = [1.0, 1.1, 0.9, 1.05, 0.92, 1.08]
    assert verdict("extruder", [*steady, 0.86, 0.85, 0.86]) is not None
    assert verdict("extruder", [*restless, 0.86, 0.85, 0.86]) is None
