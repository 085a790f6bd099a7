# A heater under Kalico's MPC, without Kalico
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The controller's own model and thermal state are the prior of its first heat-up."""

from __future__ import annotations

import math
from typing import Any, Optional

import pytest

from klippy_extras.heater_eta import compat
from klippy_extras.heater_eta.thermal.memory import restore
from klippy_extras.heater_eta.thermal.predictive import Mind
from klippy_extras.heater_eta.thermal.tracker import HeaterTracker
from klippy_extras.heater_eta.thermal.types import HeaterKind, HeaterSpec, Sample
from tests.emulators.klippy_host.plants import Plant

REPORT = 0.3
WATTS = 50.0
#: plant -> what Kalico's MPC_CALIBRATE has found for it: capacity, transfer, responsiveness
HOTENDS = {
    (4.2, 0.006, 0.0048, 0.0167, 4.0): (14.39, 0.0717, 0.109),
    (7.0, 0.008, 0.003, 0.02, 2.0): (8.351, 0.0574, 0.113),
    (2.6, 0.0045, 0.008, 0.015, 7.0): (26.16, 0.0953, 0.0767),
    (4.0, 0.007, 0.0005, 0.03, 3.0): (14.37, 0.0869, 0.109),
}


class ControlMPC:
    """Decides as Kalico's does: named like it, with the same attributes."""

    def __init__(self, capacity: float, transfer: float, response: float) -> None:
        self.const_heater_power = WATTS
        self.const_block_heat_capacity = capacity
        self.const_ambient_transfer = transfer
        self.const_sensor_responsiveness = response
        self.const_target_reach_time = 2.0
        self.const_steady_state_rate = 0.5
        self.const_min_ambient_change = 1.0
        self.state_block_temp = self.state_sensor_temp = 23.0
        self.state_ambient_temp = 25.0
        self.last_power = 0.0

    def duty(self, shown: float, target: float) -> float:
        dt = REPORT
        capacity = self.const_block_heat_capacity
        leak = (self.state_block_temp - self.state_ambient_temp) * self.const_ambient_transfer
        rise = (self.last_power - leak) * dt / capacity
        self.state_block_temp += rise
        lag = self.state_block_temp - self.state_sensor_temp
        self.state_sensor_temp += lag * self.const_sensor_responsiveness * dt
        adjust = (shown - self.state_sensor_temp) * (1.0 - (1.0 - 0.83) ** dt)
        self.state_block_temp += adjust
        self.state_sensor_temp += adjust
        if abs(rise + adjust) < self.const_steady_state_rate * dt:
            least = self.const_min_ambient_change * dt
            self.state_ambient_temp += max(adjust, least) if adjust > 0.0 else min(adjust, -least)
        leak = (self.state_block_temp - self.state_ambient_temp) * self.const_ambient_transfer
        wish = (target - self.state_block_temp) * capacity / self.const_target_reach_time + leak
        self.last_power = max(0.0, min(WATTS, wish)) if target else 0.0
        return self.last_power / WATTS


class Heater:
    """What the extra reads of a heater."""

    name, max_temp, max_power, smooth_time, min_temp = "extruder", 280.0, 1.0, 1.0, 0.0

    def __init__(self, control: Any) -> None:
        self.control = control


def heat_ups(
    plant: Plant, heater: Heater, tracker: HeaterTracker, rounds: int
) -> list[tuple[float, float]]:
    """For each: seconds from target to release, and the mean error of what was said on the way."""
    results: list[tuple[float, float]] = []
    said: list[tuple[float, float]] = []
    smoothed = plant.advance(0.0)
    target, time = 0.0, 0.0
    change = 10.0  # when the target changes next
    while len(results) < rounds:
        time += REPORT
        shown = plant.advance(time)
        smoothed += (shown - smoothed) * REPORT
        if time >= change:
            target, change = (0.0, time + 400.0) if target else (210.0, time + 900.0)
            start, waiting = time, bool(target)
            said.clear()
        duty = heater.control.duty(shown, target)
        plant.set_power(time + REPORT, duty)
        busy = target > 0.0 and abs(target - smoothed) > 1.0
        tracker.update(Sample(time, shown, target, duty, busy))
        tracker.work()
        estimate = tracker.estimate(time)
        if target and waiting and not busy:
            errors = [abs(time - at - eta) for at, eta in said]
            results.append((time - start, sum(errors) / len(errors)))
            waiting, change = False, time + 30.0
        elif target and waiting and estimate.eta is not None:
            said.append((time, estimate.eta))
        assert time < 5000.0, "never ready"
    return results


@pytest.mark.parametrize("shape", list(HOTENDS))
def test_the_first_heat_up_is_known_beforehand(shape: tuple[float, ...]) -> None:
    def run(informed: bool) -> tuple[float, float]:
        heater = Heater(ControlMPC(*HOTENDS[shape]))
        spec = compat.spec_of(heater, None, None)
        seed: Optional[dict[str, Any]] = compat.seed_of(heater.control, spec.kind)
        assert spec.control == "mpc" and spec.predictor is not None and seed is not None
        if not informed:
            spec, seed = HeaterSpec("extruder", HeaterKind.HOTEND, control="mpc"), None
        return heat_ups(Plant(*shape), heater, HeaterTracker(spec, seed), 1)[0]

    took, error = run(True)
    _, without = run(False)
    assert error < 0.12 * took
    assert error < 0.7 * without


@pytest.mark.parametrize("shape", list(HOTENDS))
def test_each_further_heat_up_is_known_better(shape: tuple[float, ...]) -> None:
    """What is learned from a heat-up is judged with what the controller thought at its start."""
    heater = Heater(ControlMPC(*HOTENDS[shape]))
    spec = compat.spec_of(heater, None, None)
    tracker = HeaterTracker(spec, compat.seed_of(heater.control, spec.kind))
    turns = heat_ups(Plant(*shape), heater, tracker, 5)
    for took, error in turns[2:]:
        assert error < 0.04 * took, turns


def test_it_thinks_what_the_controller_thinks() -> None:
    """From the same start both come to the same idea of the block, second by second."""
    shape, found = next(iter(HOTENDS.items()))
    plant, heater = Plant(*shape), Heater(ControlMPC(*found))
    spec = compat.spec_of(heater, None, None)
    mind = Mind.of(spec)
    assert mind is not None
    before, acting = plant.advance(0.0), 0.0
    worst = 0.0
    for tick in range(1, 300):
        shown = plant.advance(tick * REPORT)
        control = heater.control
        mind.step(REPORT, before, shown - before, acting)
        acting = control.duty(shown, 210.0)
        plant.set_power(tick * REPORT, acting)
        ahead = control.state_block_temp - control.state_sensor_temp
        worst = max(worst, abs(mind.ahead - ahead))
        before = shown
    assert worst < 2.0, "of more than 20 C at full power"
    assert mind.listen()
    control = heater.control
    assert mind.ahead == control.state_block_temp - control.state_sensor_temp
    assert mind.ambient == control.state_ambient_temp


@pytest.mark.parametrize("name", ["state_block_temp", "state_ambient_temp"])
@pytest.mark.parametrize("value", [math.nan, math.inf, None, "hot"])
def test_a_controller_that_talks_nonsense_is_not_listened_to(name: str, value: Any) -> None:
    heater = Heater(ControlMPC(14.0, 0.07, 0.11))
    spec = compat.spec_of(heater, None, None)
    setattr(heater.control, name, value)
    mind = Mind.of(spec)
    assert mind is not None and mind.listen() is False
    assert mind.ahead == 0.0 and math.isfinite(mind.ambient)


@pytest.mark.parametrize("value", [None, 0.0, -3.0, math.nan, "x"])
def test_a_controller_that_is_not_calibrated_tells_nothing(value: Any) -> None:
    heater = Heater(ControlMPC(14.0, 0.07, 0.11))
    heater.control.const_block_heat_capacity = value
    assert compat.predictor_of(heater.control, heater) is None
    assert compat.seed_of(heater.control, HeaterKind.HOTEND) is None


def test_the_seed_is_a_guess_and_gives_way() -> None:
    heater = Heater(ControlMPC(14.0, 0.07, 0.11))
    spec = compat.spec_of(heater, None, None)
    memory = restore(compat.seed_of(heater.control, spec.kind), spec)
    assert memory.changed and memory.heats == 0 and memory.params is not None
    gain, loss = math.exp(memory.params[0]), math.exp(memory.params[1])
    assert gain / loss == pytest.approx(WATTS / 0.07), "where the heater would end at full power"
    assert WATTS / 14.0 < gain < 1.5 * WATTS / 14.0, "two masses: the first is lighter"
    other = heater.control.const_block_heat_capacity = 28.0
    again = compat.predictor_of(heater.control, heater)
    assert again is not None and again != spec.predictor, "MPC_SET is noticed"
    assert again.gain == WATTS / other
