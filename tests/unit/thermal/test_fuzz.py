# Nothing that a host may send makes the tracker raise
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""NaN, infinities, jumps, gaps, clocks running backwards, wrong types, None."""

from __future__ import annotations

import dataclasses
import json
import math
import random

import pytest
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import (
    WITHOUT_ETA,
    Estimate,
    HeaterKind,
    HeaterSpec,
    HeaterState,
    Sample,
)

from .drive import drive
from .plant import HOTEND, THIN_BED, Plant, heater_spec

RUBBISH = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    "220",
    b"1",
    [],
    {},
    object(),
    True,
    -1.0,
    1e308,
    -1e308,
    10**400,
    0,
    1e-320,
]
FIELDS = [f.name for f in dataclasses.fields(Sample)]


def sound(estimate: Estimate) -> None:
    """The promises that hold in every state."""
    assert isinstance(estimate.ready, bool) and isinstance(estimate.heating, bool)
    assert (estimate.eta is None) == (estimate.state in WITHOUT_ETA)
    numbers = [
        estimate.eta,
        estimate.eta_reached,
        estimate.eta_low,
        estimate.eta_high,
        estimate.cooldown_eta,
        estimate.reached_low,
        estimate.reached_high,
    ]
    assert all(n is None or (math.isfinite(n) and n >= 0.0) for n in numbers)
    if estimate.eta is not None:
        assert estimate.eta_low <= estimate.eta <= estimate.eta_high
    assert estimate.progress is None or 0.0 <= estimate.progress <= 1.0
    if estimate.state in (HeaterState.READY, HeaterState.OFF, HeaterState.COOLED):
        assert estimate.eta == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_rubbish_in_any_field(seed):
    chance = random.Random(seed)
    spec = heater_spec(HOTEND if seed % 2 else THIN_BED, HeaterKind.BED)
    tracker, plant = HeaterTracker(spec), Plant(HOTEND, seed=seed)
    for round_ in range(12):
        plant.target = chance.choice([0.0, 60.0, 150.0, 220.0, 40.0])
        for sample in plant.run(chance.uniform(5.0, 90.0), 1.0):
            if chance.random() < 0.3:
                field = chance.choice(FIELDS)
                sample = dataclasses.replace(sample, **{field: chance.choice(RUBBISH)})
            tracker.update(sample)
            if chance.random() < 0.1:
                tracker.disturb(chance.choice(RUBBISH))
            tracker.work()
            sound(tracker.estimate(plant.time))
            if round_ % 4 == 0:
                sound(tracker.estimate(chance.choice(RUBBISH)))
                tracker.predict(chance.choice(RUBBISH), chance.choice(RUBBISH))
    json.dumps(tracker.to_dict(), allow_nan=False)


@pytest.mark.parametrize("what", [*RUBBISH, Sample])
def test_things_that_are_no_samples(what):
    tracker = HeaterTracker(heater_spec(HOTEND))
    tracker.update(what)
    assert tracker.estimate(0.0).state is HeaterState.UNKNOWN


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_with_jumps_and_gaps(seed):
    chance = random.Random(100 + seed)
    tracker = HeaterTracker(HeaterSpec("chamber", HeaterKind.CHAMBER, has_power=seed % 2 == 0))
    time, temp, target = 0.0, 25.0, 0.0
    for _ in range(1500):
        time += chance.choice([0.0, 0.25, 0.3, 1.0, 1.0, 3.0, 5.0, 90.0, -2.0])
        temp += chance.gauss(0.0, 2.0)
        if chance.random() < 0.01:
            temp = chance.uniform(-300.0, 2000.0)
        temp = min(1600.0, max(-280.0, temp))
        if chance.random() < 0.01:
            target = chance.choice([0.0, 50.0, 200.0, 3000.0, -5.0])
        power = chance.choice([None, 0.0, 0.5, 1.0, 1.7])
        tracker.update(Sample(time, temp, target, power, chance.choice([None, True, False])))
        tracker.work()
        sound(tracker.estimate(time))


def test_readings_older_than_the_last_are_ignored():
    tracker, plant = HeaterTracker(heater_spec(HOTEND)), Plant(HOTEND)
    drive(tracker, plant, 10.0)
    before = tracker.estimate(plant.time)
    tracker.update(Sample(plant.time - 5.0, 200.0, 220.0, 1.0))
    assert tracker.estimate(plant.time) == before


def test_a_host_clock_that_was_set_back_is_believed_in_the_end():
    tracker, plant = HeaterTracker(heater_spec(HOTEND)), Plant(HOTEND)
    plant.time = 1e6
    drive(tracker, plant, 10.0)
    plant.time = 0.0
    plant.target = 200.0
    seen = drive(tracker, plant, 20.0)
    assert seen[-1][1].state is HeaterState.HEATING


def test_a_single_glitch_changes_nothing():
    tracker, plant = HeaterTracker(heater_spec(HOTEND)), Plant(HOTEND)
    drive(tracker, plant, 5.0)
    plant.target = 220.0
    before = drive(tracker, plant, 20.0)[-1][1]
    tracker.update(Sample(plant.time + 0.1, 900.0, 220.0, 1.0))
    after = tracker.estimate(plant.time + 0.1)
    assert after.state is before.state
    assert after.finish_time == pytest.approx(before.finish_time, abs=0.5)


@pytest.mark.parametrize(
    "change",
    [
        {"gains": (math.nan, 1.0, 1.0)},
        {"gains": (0.0, 0.0, 0.0)},
        {"gains": (1e9, 1e9, 1e9)},
        {"gains": "abc"},
        {"max_power": 0.0},
        {"max_power": 7.0},
        {"smooth_time": 0.0},
        {"smooth_time": 1e9},
        {"control": "something_new"},
        {"control": "watermark", "max_delta": 50.0},
    ],
)
def test_odd_configurations(change):
    spec = dataclasses.replace(heater_spec(HOTEND), **change)
    tracker, plant = HeaterTracker(spec), Plant(HOTEND)
    drive(tracker, plant, 3.0)
    plant.target = 200.0
    for _, estimate in drive(tracker, plant, 120.0, 1.0):
        sound(estimate)
