# Another estimator in the place of the two-mass model
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The simplest one there is: so many degrees per second, always."""

from __future__ import annotations

from typing import Optional

import pytest
from heater_eta.thermal.estimator import Estimator
from heater_eta.thermal.simulate import Course
from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterSpec

from .drive import drive, heat, states
from .plant import HOTEND, Plant, heater_spec

RATE = 2.0


class Steady:
    """Two degrees per second, whatever happens."""

    def __init__(self, spec: HeaterSpec, ambient: float) -> None:
        self.shown = ambient
        self.seconds = 0

    def follow(self, time: float, temp: float, acting: float, power: float, target: float) -> None:
        self.shown = temp
        self.seconds += 1

    def forecast(self, target: float, dead: float) -> Optional[Course]:
        left = max(0.0, target - 0.5 - self.shown) / RATE
        return Course(left, left + 10.0)


class Clueless(Steady):
    def forecast(self, target: float, dead: float) -> Optional[Course]:
        return None


def test_it_foretells_before_anything_was_learned():
    tracker = HeaterTracker(heater_spec(HOTEND), estimator=Steady)
    assert tracker.predict(20.0, 220.5) == pytest.approx(110.0, abs=3.0)
    plant = Plant(HOTEND)
    drive(tracker, plant, 5.0)
    plant.target = 220.5
    seen = drive(tracker, plant, 5.0)
    assert seen[0][1].eta_reached == pytest.approx((220.0 - 23.0) / RATE, rel=0.05)


def test_its_own_errors_correct_it():
    tracker = HeaterTracker(heater_spec(HOTEND), estimator=Steady)
    plant = Plant(HOTEND, seed=3)
    runs = []
    for _ in range(4):
        runs.append(heat(tracker, plant, 220.0, 250.0))
        plant.target = 0.0
        drive(tracker, plant, 2400.0, 1.0)
    assert tracker.to_dict()["heats"] == 4
    # far too slow an idea of this heater, and still
    assert runs[0].reached_error > 10.0
    assert runs[-1].reached_error < 0.35 * runs[0].reached_error
    assert runs[-1].inside > 0.5


def test_one_that_sees_no_end_leaves_it_to_the_model():
    tracker, plant = HeaterTracker(heater_spec(HOTEND), estimator=Clueless), Plant(HOTEND)
    run = heat(tracker, plant, 220.0, 250.0)
    assert run.first is not None and run.ready_error < 0.3 * run.ready


def test_states_do_not_depend_on_it():
    sequences = []
    for make in (None, Steady):
        tracker, plant = HeaterTracker(heater_spec(HOTEND), estimator=make), Plant(HOTEND)
        drive(tracker, plant, 5.0)
        plant.target = 200.0
        sequences.append(states(drive(tracker, plant, 200.0)))
    assert sequences[0] == sequences[1]


def test_the_model_itself_is_one():
    from heater_eta.thermal.greybox import GreyBox
    from heater_eta.thermal.traits import prior_of

    spec = heater_spec(HOTEND)
    model: Estimator = GreyBox(spec, *prior_of(spec))
    model.follow(0.0, 23.0, 0.0, 0.0, 0.0)
    model.follow(1.0, 23.0, 0.0, 1.0, 200.0)
    course = model.forecast(200.0, 1.0)
    assert course is not None and 20.0 < course.reached < 120.0
