# The phenomena of real heaters, on synthetic plants with fixed seeds
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Clean and thick heaters, retargets, noise, gaps, fans, weak and dead heaters, learning."""

from __future__ import annotations

import dataclasses

import pytest
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterKind, HeaterState

from .drive import drive, heat, reborn, states
from .plant import HOTEND, THICK_BED, THIN_BED, Plant, PlantSpec, heater_spec

CASES = [
    (HOTEND, HeaterKind.HOTEND, 220.0, 250.0),
    (THIN_BED, HeaterKind.BED, 60.0, 500.0),
    (THICK_BED, HeaterKind.BED, 100.0, 1500.0),
]
RATES = [(0.3, True), (1.0, True), (1.0, False)]


def learn(plant_spec, kind, target, seconds, runs, every=0.3, with_busy=True):
    """Heat-ups from cold in several lives of the host; the tracker after them, and the runs."""
    tracker = HeaterTracker(heater_spec(plant_spec, kind))
    found = []
    for number in range(runs):
        tracker = reborn(tracker)
        plant = Plant(plant_spec, seed=10 + number)
        found.append(heat(tracker, plant, target, seconds, every, with_busy))
    return tracker, found


@pytest.mark.parametrize("every,with_busy", RATES)
@pytest.mark.parametrize("plant_spec,kind,target,seconds", CASES)
def test_a_known_heater_is_predicted_within_a_few_percent(
    plant_spec, kind, target, seconds, every, with_busy
):
    tracker, runs = learn(plant_spec, kind, target, seconds, 5, every, with_busy)
    last = runs[-1]
    assert last.reached_error < 0.04 * last.reached + 0.5
    assert last.ready_error < 0.08 * last.ready + 1.0
    assert tracker.estimate(1e9).learned == 0  # stale samples say nothing, not even that
    assert tracker.to_dict()["heats"] == 5


@pytest.mark.parametrize("plant_spec,kind,target,seconds", CASES)
def test_learning_improves_on_the_first_prediction(plant_spec, kind, target, seconds):
    _, runs = learn(plant_spec, kind, target, seconds, 5)
    later = sorted(r.reached_error / r.reached for r in runs[2:])
    assert later[1] < runs[0].reached_error / runs[0].reached
    assert abs(runs[-1].first - runs[-1].ready) < 0.15 * runs[-1].ready + 2.0


def test_even_an_unknown_hotend_is_predicted_from_its_gains():
    run = heat(HeaterTracker(heater_spec(HOTEND)), Plant(HOTEND), 220.0, 250.0)
    assert run.reached_error < 0.15 * run.reached


def test_retarget_from_standby():
    tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 3)
    tracker = reborn(tracker)
    plant = Plant(HOTEND, seed=77)
    drive(tracker, plant, 5.0)
    plant.target = 150.0
    drive(tracker, plant, 300.0)
    run = heat(tracker, plant, 220.0, 250.0)
    assert run.reached_error < 3.0


def test_retarget_half_way_goes_on_without_a_pause():
    tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 3)
    tracker = reborn(tracker)
    plant = Plant(HOTEND, seed=78)
    drive(tracker, plant, 5.0)
    plant.target = 180.0
    drive(tracker, plant, 20.0)
    run = heat(tracker, plant, 220.0, 250.0)
    assert run.first > 5.0
    assert run.reached_error < 3.0


def test_noise_of_a_degree_costs_little():
    noisy = dataclasses.replace(HOTEND, noise=1.0)
    _, runs = learn(noisy, HeaterKind.HOTEND, 220.0, 400.0, 4)
    assert runs[-1].reached_error < 5.0


def test_a_gap_of_ten_seconds_is_survived():
    tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 3)
    tracker = reborn(tracker)
    plant = Plant(HOTEND, seed=79)
    drive(tracker, plant, 5.0)
    plant.target = 220.0
    drive(tracker, plant, 15.0)
    for _ in plant.run(10.0):
        pass  # the host was busy elsewhere
    seen = drive(tracker, plant, 200.0)
    assert seen[0][1].state is HeaterState.HEATING
    reached = next(s.time for s, _ in seen if s.temperature >= 219.5)
    early = [abs(s.time + e.eta_reached - reached) for s, e in seen if reached - s.time > 5]
    assert sum(early) / len(early) < 6.0


def test_a_fan_that_is_announced_is_taken_in_sooner():
    errors = []
    for announced in (False, True):
        tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 3)
        tracker = reborn(tracker)
        plant = Plant(HOTEND, seed=80)
        drive(tracker, plant, 5.0)
        plant.target = 220.0
        drive(tracker, plant, 12.0)
        plant.loss = 2.5
        if announced:
            tracker.disturb(0.6)
        seen = drive(tracker, plant, 300.0)
        reached = next(s.time for s, _ in seen if s.temperature >= 219.5)
        before = [abs(s.time + e.eta_reached - reached) for s, e in seen if s.time < reached]
        errors.append(sum(before) / len(before))
    assert errors[1] < errors[0]


def test_power_cap():
    capped = dataclasses.replace(HOTEND, max_power=0.6)
    _, runs = learn(capped, HeaterKind.HOTEND, 210.0, 400.0, 4)
    assert runs[-1].reached_error < 0.05 * runs[-1].reached + 0.5


def test_a_dead_heater_stalls_within_half_a_minute():
    tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 3)
    tracker = reborn(tracker)
    plant = Plant(HOTEND, seed=81)
    plant.strength = 0.0
    drive(tracker, plant, 5.0)
    plant.target = 220.0
    seen = drive(tracker, plant, 60.0)
    assert states(seen)[-1] in (HeaterState.STALLED, HeaterState.UNREACHABLE)
    stalled = next(s.time for s, e in seen if e.state is HeaterState.STALLED)
    assert stalled - seen[0][0].time < 30.0
    assert seen[-1][1].eta is None and seen[-1][1].heating


@pytest.mark.parametrize(
    "plant_spec,kind,easy,target,within",
    [
        (dataclasses.replace(HOTEND, a=1.5), HeaterKind.HOTEND, 150.0, 300.0, 900.0),
        (dataclasses.replace(THIN_BED, a=0.1), HeaterKind.BED, 45.0, 110.0, 2400.0),
    ],
)
def test_a_target_out_of_reach_is_said_to_be(plant_spec, kind, easy, target, within):
    tracker, _ = learn(plant_spec, kind, easy, 900.0, 3)
    tracker = reborn(tracker)
    plant = Plant(plant_spec, seed=82)
    drive(tracker, plant, 5.0)
    plant.target = target
    seen = drive(tracker, plant, within, 1.0)
    assert states(seen)[-1] is HeaterState.UNREACHABLE
    assert seen[-1][1].eta is None and seen[-1][1].heating


def test_a_heater_with_a_fifth_of_its_power_is_not_given_a_time():
    tracker, _ = learn(HOTEND, HeaterKind.HOTEND, 200.0, 300.0, 3)
    tracker = reborn(tracker)
    plant = Plant(HOTEND, seed=84)
    plant.strength = 0.2
    drive(tracker, plant, 5.0)
    plant.target = 220.0
    last = drive(tracker, plant, 200.0, 1.0)[-1][1]
    assert last.state in (HeaterState.STALLED, HeaterState.UNREACHABLE)
    assert last.eta is None


def test_a_healthy_heater_never_looks_stalled_or_out_of_reach():
    for plant_spec, kind, target, seconds in CASES:
        tracker = HeaterTracker(heater_spec(plant_spec, kind))
        plant = Plant(plant_spec, seed=83)
        drive(tracker, plant, 5.0)
        plant.target = target
        found = set(states(drive(tracker, plant, seconds, 1.0)))
        assert not found & {HeaterState.STALLED, HeaterState.UNREACHABLE}


def test_cool_down_is_learned():
    tracker = HeaterTracker(heater_spec(HOTEND))
    errors = []
    for number in range(3):
        tracker = reborn(tracker)
        plant = Plant(HOTEND, seed=90 + number, temp=23.0)
        plant.soak(210.0)
        plant.target = 210.0
        drive(tracker, plant, 60.0, 1.0)
        plant.target = 0.0
        seen = drive(tracker, plant, 1500.0, 1.0)
        end = next(s.time for s, e in seen if e.state is HeaterState.COOLED)
        start = seen[0][0].time
        run = [abs(s.time + e.cooldown_eta - end) for s, e in seen if s.time < end - 1.0]
        errors.append(sum(run) / len(run) / (end - start))
    assert errors[-1] < 0.04
    assert errors[-1] < errors[0]


def test_interval_holds_what_it_promises_on_known_heaters():
    shares = []
    for plant_spec, kind, target, seconds in CASES:
        _, runs = learn(plant_spec, kind, target, seconds, 6)
        shares += [r.inside for r in runs[2:]]
    assert sum(shares) / len(shares) > 0.7


def test_a_heat_up_can_be_predicted_before_it_begins():
    tracker, runs = learn(HOTEND, HeaterKind.HOTEND, 220.0, 250.0, 4)
    tracker = reborn(tracker)
    assert tracker.predict(23.0, 220.0) == pytest.approx(runs[-1].ready, rel=0.15)
    assert tracker.predict(23.0, 100.0) < tracker.predict(23.0, 220.0)
    assert tracker.predict(150.0, 220.0) < tracker.predict(23.0, 220.0)
    assert tracker.predict(220.0, 150.0) == 0.0
    assert tracker.predict(23.0, 5000.0) is None


def test_watermark_heater():
    spec = PlantSpec(0.6, 1 / 600.0, 1 / 300.0, 1 / 150.0, watermark=2.0)
    tracker = HeaterTracker(heater_spec(spec, HeaterKind.BED))
    for number in range(4):
        plant = Plant(spec, seed=5 + number)
        tracker = reborn(tracker)
        drive(tracker, plant, 5.0)
        plant.target = 60.0
        seen = drive(tracker, plant, 400.0)
        start, ready = seen[0][0].time, next(s.time for s, e in seen if e.ready)
        errors = [abs(s.time + e.eta - ready) for s, e in seen if s.time < ready]
    assert sum(errors) / len(errors) < 0.06 * (ready - start) + 1.0


def test_predictive_controller():
    spec = dataclasses.replace(HOTEND, predictive=True)
    tracker, runs = learn(spec, HeaterKind.HOTEND, 220.0, 250.0, 5)
    assert tracker.spec.control == "mpc"
    assert runs[-1].ready_error < 0.06 * runs[-1].ready + 0.5


def test_a_controller_that_stays_short_of_its_target_is_learned_all_the_same():
    # no integral: it settles where proportional power balances the loss
    spec = dataclasses.replace(THIN_BED, gains=(0.2, 0.0, 3.2), noise=0.02)
    plant, tracker = Plant(spec, seed=6), HeaterTracker(heater_spec(spec, HeaterKind.BED))
    drive(tracker, plant, 5.0)
    plant.target = 60.0
    last = drive(tracker, plant, 900.0, 1.0)[-1]
    assert last[0].temperature < 59.5 and last[1].ready
    assert tracker.to_dict()["heats"] == 1
