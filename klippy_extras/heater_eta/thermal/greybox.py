# Filter and simulation tied to what a host can see of one heater
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Follows the heater's hidden state second by second and asks the simulation for the future."""

from __future__ import annotations

import math
from typing import Optional

from .ekf import Filter
from .model import Temps
from .predictive import Mind
from .simulate import Controller, Course, run
from .traits import ROOM, Traits, Vector, traits_of, usable_gains
from .types import HeaterSpec

_GAP = 10.0  # seconds without samples after which temperatures start afresh


class GreyBox:
    """The physical half of the estimate."""

    def __init__(self, spec: HeaterSpec, params: Vector, sd: Vector) -> None:
        self._spec = spec
        self._traits: Traits = traits_of(spec)
        self._gains = usable_gains(spec) or self._traits.gains
        self._top = spec.max_power if 0.0 < spec.max_power <= 1.0 else 1.0
        self._smooth = spec.smooth_time if 0.1 <= spec.smooth_time <= 30.0 else 1.0
        self._params, self._sd = params, sd
        self.ambient = ROOM
        self.filter = Filter(self._traits, params, sd, ROOM)
        self.integral = 0.0
        self.slope = 0.0
        self.acting = 0.0  # the power that acted in the last second
        self._smoothed = ROOM
        self._time: Optional[float] = None
        self._last_temp = ROOM
        self._powers = (0.0, 0.0)  # of the last second and the one before
        self.mind = Mind.of(spec)  # of an MPC controller

    def set_prior(self, params: Vector, sd: Vector) -> None:
        """What is known before the next heat-up."""
        self._params, self._sd = params, sd
        self.filter.set_params(params, sd)

    @property
    def prior(self) -> Vector:
        """Logs of the parameters with which this heat-up began."""
        return self._params

    def set_ambient(self, ambient: float) -> None:
        self.ambient = self.filter.ambient = ambient

    def resume(self, temps: Temps, ambient: float, inner_sd: float) -> None:
        """Go on from hidden temperatures known from elsewhere."""
        self.place(temps[2], ambient, at_rest=True)
        self.filter.x[:3] = temps
        self.filter.set_variance(1, inner_sd * inner_sd)

    def place(self, temp: float, ambient: float, at_rest: bool) -> None:
        """Forget the hidden temperatures: a new life, or too long without samples."""
        self.ambient = self.filter.ambient = ambient
        # what was hot before has a warm inside, half way to the room
        self.filter.place(
            temp, at_rest, None if at_rest else temp - 0.15 * max(0.0, temp - ambient)
        )
        self.slope = 0.0
        self._smoothed = self._last_temp = temp
        self._time = None

    def observe(
        self,
        time: float,
        temp: float,
        power: Optional[float],
        integral: Optional[float],
        target: float,
        fast: bool,
        learn: bool,
    ) -> None:
        """One second's mean. ``fast``: made of many samples, so powers are not a row late."""
        if self._time is None:
            self._time = time
            self._last_temp = self._smoothed = temp
            before = self.holding(temp)  # what was not seen has probably held the temperature
            self._powers = (before, before)
            return
        dt = time - self._time
        if dt <= 0.0:
            return
        if dt > _GAP:
            self.place(temp, self.ambient, at_rest=False)
            self._time = time
            return
        if power is None:
            power = self._guess(target, temp)
            learn = learn and target - temp > self._traits.full_power_band
        late = 0.0 if fast else min(1.0, self._traits.lag / dt)
        self.acting = self._powers[0] + late * (self._powers[1] - self._powers[0])
        self._advance(dt, temp, learn)
        self._follow_controller(dt, temp, target, power, integral)
        if self.mind is not None and not self.mind.listen():
            self._imagine(dt, temp)
        self._powers = (power, self._powers[0])
        self._time, self._last_temp = time, temp

    def follow(self, time: float, temp: float, acting: float, power: float, target: float) -> None:
        """The same from a recording, in which the acting power is known."""
        self.acting = acting
        dt = 0.0 if self._time is None else time - self._time
        if dt > 0.0:
            self._advance(dt, temp, learn=True)
            self._follow_controller(dt, temp, target, power, None)
            self._imagine(dt, temp)
        self._powers = (power, power)
        self._time, self._last_temp = time, temp

    def _advance(self, dt: float, temp: float, learn: bool) -> None:
        self.filter.advance(dt, self.acting, learn)
        self.filter.correct(temp, learn)
        if not self.filter.sane():
            self.filter.set_params(self._params, self._sd)
            self.filter.place(temp, at_rest=False)

    def _follow_controller(
        self, dt: float, temp: float, target: float, power: float, integral: Optional[float]
    ) -> None:
        """The PID's own derivative and integral, told by the host or seen in its power."""
        blend = min(1.0, dt / self._smooth)
        self.slope += blend * ((temp - self._last_temp) / dt - self.slope)
        self._smoothed += blend * (temp - self._smoothed)
        if integral is not None:
            self.integral = min(self._top, max(0.0, integral))
            return
        if target <= 0.0:
            return
        kp, ki, kd = self._gains
        error = target - temp
        if 0.0 < power < 0.98 * self._top and self._spec.has_power:
            seen = power - kp * error + kd * self.slope
            seen = min(self._top, max(0.0, seen))
            self.integral += min(1.0, 0.2 * dt) * (seen - self.integral)
        elif 0.0 < kp * error + self.integral - kd * self.slope < self._top:
            self.integral = min(self._top, max(0.0, self.integral + ki * error * dt))

    def _imagine(self, dt: float, temp: float) -> None:
        """What an MPC controller that says nothing must have thought in these seconds."""
        if self.mind is not None:
            self.mind.step(dt, self._last_temp, temp - self._last_temp, self.acting)

    def _guess(self, target: float, temp: float) -> float:
        """The power of a heater that does not tell it."""
        if target <= 0.0:
            return 0.0
        if target - temp > self._traits.full_power_band:
            return self._top
        kp, _, kd = self._gains
        wish = kp * (target - temp) + self.holding(target) - kd * self.slope
        return min(self._top, max(0.0, wish))

    @property
    def power(self) -> float:
        return self._powers[0]

    def holding(self, target: float) -> float:
        """The share of power that holds ``target``."""
        a, b = self.filter.plain[:2]
        return min(self._top, max(0.0, b * (target - self.ambient) / a))

    def assume_integral(self, target: float) -> None:
        """Where no power tells it: the same before every heat-up, so that errors repeat, too."""
        if not self._spec.has_power:
            self.integral = self.holding(target)

    def controller(self, dead: float) -> Controller:
        return Controller(
            gains=self._gains,
            max_power=self._top,
            smooth_time=self._smooth,
            integral=self.integral,
            slope=self.slope,
            smoothed=self._smoothed,
            watermark=self._spec.max_delta if self._spec.control == "watermark" else None,
            predictive=self._spec.control == "mpc",
            mind=self.mind,
            power=self._powers[0],
            dead=dead,
        )

    def forecast(self, target: float, dead: float) -> Optional[Course]:
        """From the present state; None when the target is out of reach."""
        course = run(
            self.filter.temps,
            self.filter.plain,
            self.ambient,
            target,
            self.controller(dead),
            self._traits,
        )
        if course is None:
            return None
        # beds hardly overshoot, whatever roughly known gains may say
        ready = min(course.ready, course.reached + self._traits.longest_tail)
        return Course(course.reached, ready, course.settled, course.crossing)

    def forecast_as_learned(self, target: float) -> Optional[Course]:
        """With the parameters from before this heat-up, when the present ones see no end."""
        a, b, k1, k2, tau = (math.exp(v) for v in self._params)
        temps, plain = self.filter.temps, (a, b, k1, k2, tau)
        return run(temps, plain, self.ambient, target, self.controller(0.0), self._traits)

    def reachable(self, target: float) -> bool:
        """False when even two standard deviations of luck would not get there."""
        x, cov = self.filter.x, self.filter.covariance
        if self.steady(x[3] - x[4]) >= target - 0.5:
            return True
        spread = max(0.0, cov(3, 3) + cov(4, 4) - 2.0 * cov(3, 4)) ** 0.5
        return self.steady(x[3] - x[4] + 2.0 * spread) >= target - 0.5

    def steady(self, log_gain: float) -> float:
        return self.ambient + math.exp(min(20.0, log_gain)) * self._top
