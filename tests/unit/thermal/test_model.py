# The closed-form solution against plain integration
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The model's formulas."""

from __future__ import annotations

import pytest
from heater_eta.thermal.model import ConstantPower

PARAMS = [(4.5, 1 / 165, 1 / 210, 1 / 60, 5.0), (0.9, 1 / 200, 1 / 40, 1 / 125, 4.0)]


def integrate(params, ambient, power, temps, seconds, h=0.002):
    a, b, k1, k2, tau = params
    t1, t2, ts = temps
    for _ in range(round(seconds / h)):
        flow = t1 - t2
        t1, t2, ts = (
            t1 + h * (a * power - b * (t1 - ambient) - k1 * flow),
            t2 + h * k2 * flow,
            ts + h * (t1 - ts) / tau,
        )
    return t1, t2, ts


@pytest.mark.parametrize("params", PARAMS)
@pytest.mark.parametrize("power", [0.0, 0.4, 1.0])
def test_course_equals_integration(params, power):
    course = ConstantPower(params, 23.0, power, (60.0, 45.0, 58.0))
    expected = integrate(params, 23.0, power, (60.0, 45.0, 58.0), 30.0)
    assert course.temps(30.0) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("params", PARAMS)
def test_crossing_up_and_down(params):
    up = ConstantPower(params, 23.0, 1.0, (23.0, 23.0, 23.0))
    seconds = up.rises_to(80.0)
    assert seconds is not None
    assert up.sensor(seconds)[0] == pytest.approx(80.0, abs=0.3)
    down = ConstantPower(params, 23.0, 0.0, (80.0, 70.0, 80.0))
    seconds = down.falls_to(40.0)
    assert seconds is not None
    assert down.sensor(seconds)[0] == pytest.approx(40.0, abs=0.3)


def test_out_of_reach_is_none():
    course = ConstantPower((0.4, 1 / 100, 1 / 200, 1 / 100, 4.0), 23.0, 0.5, (23.0, 23.0, 23.0))
    assert course.rises_to(60.0) is None
    assert course.falls_to(20.0) is None
