# How a heater's past corrects the simulation
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The settle tail: who is believed, the simulation or what the heater did before."""

from __future__ import annotations

import pytest
from heater_eta.thermal.fit import Trace
from heater_eta.thermal.fuse import fuse
from heater_eta.thermal.memory import Memory
from heater_eta.thermal.residual import COUNT, Past
from heater_eta.thermal.simulate import Course
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.traits import traits_of
from heater_eta.thermal.types import HeaterKind, HeaterSpec, Sample

from .drive import reborn
from .plant import HOTEND, THICK_BED, Plant, heater_spec


def known(tails: list[float], miss: float) -> Memory:
    """Heat-ups of 60 s, and by how much the simulation would have been wrong about their tails."""
    memory = Memory()
    for tail in tails:
        memory.take_past(Past(25.0, 210.0, 60.0, tail, [0.0] * COUNT, [miss] * COUNT))
    return memory


def foretold_tail(memory: Memory, simulated: float) -> float:
    """Half way to the target."""
    course, traits = Course(30.0, 30.0 + simulated), traits_of(heater_spec(HOTEND))
    forecast = fuse(course, memory, traits, True, 25.0, 210.0, 30.0, 6.0, None)
    return forecast.ready - forecast.reached


def test_of_two_tails_known_a_simulation_that_was_right_before_decides():
    assert foretold_tail(known([2.0, 30.0], 0.0), 2.0) < 8.0
    assert foretold_tail(known([30.0, 2.0], 0.0), 30.0) > 24.0


@pytest.mark.parametrize("simulated", [2.0, 60.0])
def test_a_simulation_that_never_was_right_is_outvoted(simulated):
    assert foretold_tail(known([30.0, 31.0], 25.0), simulated) == pytest.approx(30.5, abs=2.0)


def test_what_is_learned_does_not_depend_on_how_often_somebody_asks():
    asked, silent = (HeaterTracker(heater_spec(HOTEND)) for _ in range(2))
    for tracker in (asked, silent):
        plant = Plant(HOTEND, seed=5)
        plant.target = 210.0
        for sample in plant.run(300.0, 0.3):
            tracker.update(sample)
            if tracker is asked:
                tracker.estimate(sample.time)
        while tracker.work():
            pass
    assert asked.to_dict()["params"] == silent.to_dict()["params"]
    assert asked.to_dict()["pasts"] == silent.to_dict()["pasts"]


def test_a_long_recording_is_thinned_bit_by_bit_and_loses_no_energy():
    trace = Trace((23.0, 23.0, 23.0), 23.0, 1.0)
    for second in range(5000):
        before = len(trace.points)
        trace.add(float(second), 23.0 + second, 0.25 + 0.5 * (second % 2), 0.5)
        assert len(trace.points) <= 360
        assert len(trace.points) - before <= 1
    times = [p[0] for p in trace.points]
    assert times == sorted(set(times))
    assert len(times) >= 150 and times[-1] > 4900.0
    assert all(p[2] == pytest.approx(0.5) for p in trace.points)


def test_a_bed_that_tells_no_power_is_predicted_from_what_it_repeats():
    spec = HeaterSpec("heater_bed", HeaterKind.BED, has_power=False)
    tracker = HeaterTracker(spec)
    for number in range(4):
        tracker = reborn(tracker)
        plant = Plant(THICK_BED, seed=20 + number)
        drive_bridged(tracker, plant, 5.0)
        plant.target = 90.0
        seen = drive_bridged(tracker, plant, 900.0)
    begin = seen[0][0].time
    reached = next(s.time for s, _ in seen if s.temperature >= 89.5) - begin
    errors = [abs(s.time - begin + e.eta_reached - reached) for s, e in seen if s.time < reached]
    assert sum(errors) / len(errors) < 0.05 * reached


def drive_bridged(tracker: HeaterTracker, plant: Plant, seconds: float):
    """Whole degrees every three seconds, and nothing of the power."""
    seen = []
    for sample in plant.run(seconds, 3.0, False):
        sample = Sample(sample.time, float(round(sample.temperature)), sample.target)
        tracker.update(sample)
        while tracker.work():
            pass
        seen.append((sample, tracker.estimate(sample.time)))
    return seen
