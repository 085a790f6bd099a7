# What was learned survives; what was damaged does no harm
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Round trips, damaged data, bounds and changed configurations."""

from __future__ import annotations

import copy
import dataclasses
import json
import random

import pytest
from heater_eta.thermal.memory import restore
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterKind

from .drive import drive, heat, reborn
from .plant import HOTEND, Plant, heater_spec


@pytest.fixture(scope="module")
def learned():
    tracker = HeaterTracker(heater_spec(HOTEND))
    for number in range(3):
        tracker = reborn(tracker)
        plant = Plant(HOTEND, seed=number)
        heat(tracker, plant, 210.0, 250.0, 1.0)
        plant.target = 0.0
        drive(tracker, plant, 900.0, 1.0)
    return tracker.to_dict()


def test_round_trip_through_json(learned):
    spec = heater_spec(HOTEND)
    text = json.dumps(learned)
    assert HeaterTracker(spec, json.loads(text)).to_dict() == json.loads(text)
    assert learned["version"] == 1
    assert len(text) < 10_000


def test_revision_rises_with_what_is_learned():
    tracker = HeaterTracker(heater_spec(HOTEND))
    plant = Plant(HOTEND)
    drive(tracker, plant, 20.0)
    assert tracker.revision == 0
    heat(tracker, plant, 210.0, 250.0)
    after_heating = tracker.revision
    assert after_heating > 0
    drive(tracker, plant, 100.0)
    assert tracker.revision == after_heating
    plant.target = 0.0
    drive(tracker, plant, 1500.0, 1.0)
    assert tracker.revision > after_heating


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        "text",
        42,
        {"version": 2},
        {"version": "1"},
        {"version": 1},
        {"version": 1, "params": [1, 2], "pasts": "no", "cooling": [1], "strengths": {}},
        {"version": 1, "params": [float("nan")] * 5, "rms": float("inf"), "heats": -5},
        {"version": 1, "params": [1e308] * 5, "heats": 1e400, "ambient": "warm"},
        {"version": 1, "pasts": [None, {}, {"start": 1}, {"reached": [None]}]},
    ],
)
def test_unusable_data_means_a_new_heater(data):
    tracker = HeaterTracker(heater_spec(HOTEND), data)
    assert tracker.to_dict()["params"] is None
    heat(tracker, Plant(HOTEND), 210.0, 250.0, 1.0)


def damage(value, chance):
    """Replace one random part of nested data with rubbish."""
    rubbish = [None, [], {}, "x", float("nan"), float("inf"), -1e300, 10**400, True, [[[]]]]
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            del value[key]
        else:
            value[key] = damage(value[key], chance)
        return value
    if isinstance(value, list) and value and chance.random() < 0.8:
        index = chance.randrange(len(value))
        value[index] = damage(value[index], chance)
        return value
    return chance.choice(rubbish)


def test_randomly_damaged_data_never_raises_nor_poisons(learned):
    chance = random.Random(7)
    spec = heater_spec(HOTEND)
    samples = list(Plant(HOTEND, seed=3).run(3.0, 1.0))
    for _ in range(400):
        data = copy.deepcopy(learned)
        for _ in range(chance.randrange(1, 5)):
            data = damage(data, chance)
        tracker = HeaterTracker(spec, data)
        for sample in samples:
            tracker.update(dataclasses.replace(sample, target=200.0))
            estimate = tracker.estimate(sample.time)
        assert estimate.eta is not None and 0.0 <= estimate.eta < 7200.0
        json.dumps(tracker.to_dict(), allow_nan=False)


def test_another_sensor_is_trusted_less_and_not_forgotten(learned):
    spec = heater_spec(HOTEND)
    other = dataclasses.replace(spec, sensor_type="PT1000")
    same, changed = restore(learned, spec), restore(learned, other)
    assert changed.params == same.params
    assert changed.spread(1.0)[0] > 2.0 * same.spread(1.0)[0]
    assert changed.strengths == [] and changed.reference is None


def test_what_is_kept_is_bounded(learned):
    data = copy.deepcopy(learned)
    data["pasts"] = data["pasts"] * 1000
    data["strengths"] = [1.0] * 5000
    data["reached_misses"] = [0.5] * 5000
    data["cooling"] = {str(i): 5.0 for i in range(-10_000, 10_000)}
    data["version"] = 1
    kept = HeaterTracker(heater_spec(HOTEND), data).to_dict()
    assert len(json.dumps(kept)) < 20_000


def test_broken_off_and_calibrating_heat_ups_teach_nothing():
    tracker = HeaterTracker(heater_spec(HOTEND, HeaterKind.HOTEND))
    plant = Plant(HOTEND)
    drive(tracker, plant, 5.0)
    plant.target = 220.0
    drive(tracker, plant, 25.0)
    plant.target = 0.0
    drive(tracker, plant, 30.0)
    plant.target = 200.0
    for sample in plant.run(120.0):
        tracker.update(dataclasses.replace(sample, calibrating=True))
        while tracker.work():
            pass
    plant.target = 0.0
    drive(tracker, plant, 5.0)
    assert tracker.to_dict()["heats"] == 0
    assert tracker.to_dict()["params"] is None
