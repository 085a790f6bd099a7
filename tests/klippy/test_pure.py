# The parts of the extra that need no host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Publishing, feature detection, the soak rule."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import random
from typing import Any, Optional

import pytest

from klippy_extras.heater_eta import compat, publish
from klippy_extras.heater_eta.display import Countdown, clock
from klippy_extras.heater_eta.thermal.types import (
    UNKNOWN_ESTIMATE,
    WITHOUT_ETA,
    Estimate,
    HeaterKind,
    HeaterState,
)
from klippy_extras.heater_eta.waiting import Soak

NAN, INF = math.nan, math.inf
NUMBERS = (None, 0.0, -3.0, 0.2, 71.4, 1e9, NAN, INF, -INF)


def estimate(state: HeaterState, **values: Any) -> Estimate:
    full = {"heating": True, "eta": 50.0, "eta_reached": 30.0, "eta_low": 40.0, "eta_high": 60.0}
    return dataclasses.replace(UNKNOWN_ESTIMATE, state=state, **{**full, **values})


@pytest.mark.parametrize("state", list(HeaterState))
def test_published_values_are_valid_in_every_state(state: HeaterState) -> None:
    rng = random.Random(3)
    for _ in range(300):
        numbers = {
            name: rng.choice(NUMBERS)
            for name in ("eta", "eta_reached", "eta_low", "eta_high", "progress", "rate")
        }
        status = publish.status_of(
            estimate(
                state,
                finish_time=rng.choice(NUMBERS),
                cooldown_eta=rng.choice(NUMBERS),
                **numbers,
            ),
            rng.choice((0.0, 200.0)),
        )
        assert list(status) == list(publish.UNKNOWN_STATUS)
        json.dumps(status, allow_nan=False)
        silent = HeaterState(status["state"]) in WITHOUT_ETA
        assert (status["eta"] is None) == silent
        assert isinstance(status["ready"], bool) and isinstance(status["heating"], bool)
        if status["state"] in ("heating", "approaching", "settling"):
            assert status["eta"] >= 1.0, "not over before it is over"
        elif not silent:
            assert status["eta"] == 0.0


@pytest.mark.parametrize("state", sorted(publish.QUIET))
def test_quiet_states_do_not_move(state: HeaterState) -> None:
    shown = {
        json.dumps(publish.status_of(estimate(state, eta=0.0, rate=rate, finish_time=time), 60.0))
        for rate, time in itertools.product((0.0, 0.013, -0.02), (5.0, 6.0))
    }
    assert len(shown) == 1


def heater(eta: Optional[float], heating: bool, ready: bool, target: float) -> dict[str, Any]:
    return {"eta": eta, "heating": heating, "ready": ready, "target": target}


def test_the_critical_path() -> None:
    off, ready = heater(0.0, False, False, 0.0), heater(0.0, False, True, 60.0)
    slow, quick = heater(90.0, True, False, 60.0), heater(20.0, True, False, 200.0)
    lost = heater(None, True, False, 250.0)
    assert publish.printer_status({}) == {
        "eta": 0.0,
        "ready": False,
        "heating": False,
        "heater": None,
        "heaters": [],
    }
    both = publish.printer_status({"extruder": quick, "heater_bed": slow, "chamber": off})
    assert (both["eta"], both["heater"], both["ready"]) == (90.0, "heater_bed", False)
    one = publish.printer_status({"extruder": ready, "heater_bed": off})
    assert (one["eta"], one["heater"], one["ready"], one["heating"]) == (0.0, None, True, False)
    stuck = publish.printer_status({"extruder": lost, "heater_bed": slow})
    assert (stuck["eta"], stuck["heater"], stuck["ready"]) == (None, "extruder", False)
    silent = heater(None, False, False, 60.0)  # its sensor, or a calibration
    gone = publish.printer_status({"extruder": ready, "heater_bed": silent})
    assert (gone["eta"], gone["heater"], gone["ready"]) == (None, "heater_bed", False)
    assert publish.printer_status({"extruder": heater(None, False, False, 0.0)})["eta"] == 0.0


@pytest.mark.parametrize(
    ("name", "max_temp", "kind"),
    [
        ("extruder", 300.0, HeaterKind.HOTEND),
        ("extruder3", None, HeaterKind.HOTEND),
        ("heater_bed", 120.0, HeaterKind.BED),
        ("heater_generic bed_outer", 120.0, HeaterKind.BED),
        ("heater_generic chamber", 80.0, HeaterKind.CHAMBER),
        ("heater_generic Chamber_Heater", 250.0, HeaterKind.CHAMBER),
        ("heater_generic nozzle2", 300.0, HeaterKind.HOTEND),
        ("heater_generic thing", None, HeaterKind.CHAMBER),
    ],
)
def test_what_sort_of_heater(name: str, max_temp: Optional[float], kind: HeaterKind) -> None:
    assert compat.kind_of(name, max_temp) is kind


def test_calibrations_are_known_by_their_controller() -> None:
    def control(name: str) -> Any:
        return type(name, (), {})()

    usual = control("ControlPID")
    assert not compat.is_calibrating(usual, usual)
    assert not compat.is_calibrating(control("ControlMPC"), usual), "another profile"
    for name in ("ControlAutoTune", "TuningControl", "ControlSomethingNew"):
        assert compat.is_calibrating(control(name), usual)
    strange = control("ControlSomethingNew")
    assert not compat.is_calibrating(strange, strange), "a controller that nobody knows yet"


def test_soaked_means_slow_for_long() -> None:
    rng = random.Random(1)
    soak = Soak(slope=1.0, duration=60.0)
    ends = None
    for step in range(2000):
        now = step * 0.5
        soak.add(now, 60.0 - 20.0 * math.exp(-now / 60.0) + rng.gauss(0.0, 0.02))
        if soak.remaining(now) == 0.0:
            ends = now
            break
    # 20 / 60 * exp(-t / 60) falls to 1 C/min at t = 180
    assert ends is not None and 200.0 < ends < 320.0


def test_clock() -> None:
    texts = [clock(value) for value in (None, 0.0, 59.6, 61.0, 3723.0)]
    assert texts == ["?", "0:00", "1:00", "1:01", "1:02:03"]


def test_a_countdown_without_a_display_is_no_error() -> None:
    class Printer:
        def lookup_object(self, name: str, default: Any) -> Any:
            return default

    Countdown(Printer()).show({"heating": True, "eta": 5.0, "heater": "extruder"})
