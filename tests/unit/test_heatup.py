# How heat-ups are judged
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import pytest
from moonfleet.core.heatup import HeatUpMeter


@dataclass
class Heater:
    heating: bool
    ready: bool
    eta: Optional[float]


HEATING, READY, OFF = Heater(True, False, 30.0), Heater(False, True, 0.0), Heater(False, False, 0.0)


def run(meter: HeatUpMeter, *steps: tuple[float, dict[str, Heater]]) -> None:
    for now, heaters in steps:
        meter.observe(now, heaters)


def test_the_first_prediction_is_held_against_what_happened():
    meter = HeatUpMeter()
    run(meter, (0, {"extruder": OFF}), (10, {"extruder": HEATING}))
    assert meter.error is None
    run(meter, (25, {"extruder": Heater(True, False, 2.0)}), (44, {"extruder": READY}))
    assert meter.error == pytest.approx(4.0)
    assert meter.seconds == pytest.approx(34.0)


def test_two_heaters_at_once_are_waited_for_once():
    meter = HeatUpMeter()
    both = {"extruder": HEATING, "heater_bed": Heater(True, False, 60.0)}
    run(meter, (0, both), (30, {"extruder": READY, "heater_bed": both["heater_bed"]}))
    run(meter, (70, {"extruder": READY, "heater_bed": READY}))
    assert meter.seconds == pytest.approx(70.0)
    assert meter.error == pytest.approx(5.0)  # 0 s and 10 s


def test_turned_off_on_the_way_is_no_verdict():
    meter = HeatUpMeter()
    run(meter, (0, {"extruder": HEATING}), (10, {"extruder": OFF}), (20, {"extruder": READY}))
    assert meter.error is None


def test_without_a_prediction_there_is_nothing_to_judge():
    meter = HeatUpMeter()
    run(meter, (0, {"extruder": Heater(True, False, None)}), (10, {"extruder": READY}))
    assert meter.error is None
    assert meter.seconds == pytest.approx(10.0)


def test_a_new_job_starts_from_nothing_but_keeps_the_heat_up_under_way():
    meter = HeatUpMeter()
    run(meter, (0, {"extruder": HEATING}))
    meter.reset()
    assert meter.seconds is None
    run(meter, (5, {"extruder": HEATING}), (28, {"extruder": READY}))
    assert meter.error == pytest.approx(2.0)
    assert meter.seconds == pytest.approx(23.0)
