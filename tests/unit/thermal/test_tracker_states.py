# The states a heater goes through, on synthetic plants
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every state of the tracker, from samples as klippy and as bridges send them."""

from __future__ import annotations

import pytest
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterKind, HeaterSpec, HeaterState, Sample

from .plant import HOTEND, THIN_BED, Plant, PlantSpec, heater_spec


def drive(tracker, plant, seconds, every=0.3, with_busy=True):
    """The estimates of a stretch of time, one per sample."""
    seen = []
    for sample in plant.run(seconds, every, with_busy):
        tracker.update(sample)
        while tracker.work():
            pass
        seen.append((sample, tracker.estimate(sample.time)))
    return seen


def states(seen):
    result = []
    for _, estimate in seen:
        if not result or result[-1] is not estimate.state:
            result.append(estimate.state)
    return result


def test_unknown_before_the_first_sample_and_when_samples_stop():
    tracker = HeaterTracker(heater_spec(HOTEND))
    assert tracker.estimate(0.0).state is HeaterState.UNKNOWN
    plant = Plant(HOTEND)
    drive(tracker, plant, 5.0)
    assert tracker.estimate(plant.time).state is HeaterState.OFF
    late = tracker.estimate(plant.time + 300.0)
    assert late.state is HeaterState.UNKNOWN
    assert late.eta is None
    assert late.ready is False and late.heating is False


@pytest.mark.parametrize("every,with_busy", [(0.3, True), (1.0, True), (1.0, False)])
def test_life_of_a_hotend(every, with_busy):
    plant, tracker = Plant(HOTEND), HeaterTracker(heater_spec(HOTEND))
    drive(tracker, plant, 10.0, every, with_busy)
    plant.target = 220.0
    seen = drive(tracker, plant, 300.0, every, with_busy)
    assert states(seen) == [
        HeaterState.HEATING,
        HeaterState.APPROACHING,
        HeaterState.SETTLING,
        HeaterState.READY,
    ]
    first = seen[0][1]
    assert first.heating and first.eta is not None and first.eta > 10.0
    assert all(e.eta is not None and e.eta >= 0.0 for _, e in seen)
    last = seen[-1][1]
    assert last.ready and not last.heating and last.eta == 0.0
    plant.target = 150.0
    seen = drive(tracker, plant, 400.0, every, with_busy)
    assert seen[2][1].state is HeaterState.COOLING and seen[2][1].eta == 0.0
    assert seen[20][1].cooldown_eta is not None
    assert seen[-1][1].state is HeaterState.READY
    plant.target = 0.0
    seen = drive(tracker, plant, 2500.0, every, with_busy)
    assert states(seen)[:2] == [HeaterState.COOLING, HeaterState.COOLED]
    assert all(e.eta == 0.0 for _, e in seen)


def test_the_finish_is_predicted_from_the_first_sample():
    plant, tracker = Plant(HOTEND), HeaterTracker(heater_spec(HOTEND))
    drive(tracker, plant, 10.0)
    plant.target = 220.0
    start = plant.time
    seen = drive(tracker, plant, 300.0)
    ready = next(s.time for s, e in seen if e.ready)
    assert abs(seen[0][1].finish_time - ready) < 0.5 * (ready - start)


def test_calibration_has_no_eta():
    tracker = HeaterTracker(heater_spec(HOTEND))
    for i in range(30):
        tracker.update(Sample(float(i), 100.0 + i, 200.0, 1.0, True, None, True))
    estimate = tracker.estimate(29.0)
    assert estimate.state is HeaterState.CALIBRATING and estimate.eta is None


def test_bridge_without_power_in_whole_degrees():
    spec = HeaterSpec("heater_bed", HeaterKind.BED, has_power=False)
    tracker, plant = HeaterTracker(spec), Plant(THIN_BED)
    seen = []
    plant.target = 60.0
    for sample in plant.run(600.0, 2.1):
        tracker.update(Sample(sample.time, float(round(sample.temperature)), sample.target))
        seen.append(tracker.estimate(sample.time))
    assert seen[0].state is HeaterState.HEATING and seen[0].eta > 20.0
    assert seen[-1].state is HeaterState.READY


def test_watermark_is_ready_max_delta_below():
    watermark = PlantSpec(0.6, 1 / 600.0, 1 / 300.0, 1 / 150.0, watermark=2.0)
    spec = heater_spec(watermark, HeaterKind.BED)
    tracker, plant = HeaterTracker(spec), Plant(watermark)
    drive(tracker, plant, 5.0)
    plant.target = 60.0
    seen = drive(tracker, plant, 400.0)
    first_ready = next(s for s, e in seen if e.ready)
    assert abs(first_ready.temperature - 58.0) < 0.7
    after = [e.state for s, e in seen if s.time > first_ready.time]
    assert set(after) == {HeaterState.READY}
