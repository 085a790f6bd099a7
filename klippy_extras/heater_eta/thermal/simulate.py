# The future of a heater under its own controller
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Runs the model forward with Klipper's PID, watermark or Kalico's MPC until M109 would return.

At full power the course is known in closed form; only the regulated part is stepped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from .model import ConstantPower, Temps
from .predictive import Mind
from .traits import REACHED_DELTA, SETTLE_DELTA, SETTLE_SLOPE, Gains, Traits, Vector

HORIZON = 7200.0
REACH_TIME = 2.0  # s: Kalico's target_reach_time
_MAX_STEPS = 260


@dataclass(frozen=True)
class Controller:
    """What drives the heater, as far as it is known."""

    gains: Gains
    max_power: float
    smooth_time: float
    integral: float  # 0..max_power
    slope: float  # the controller's smoothed derivative, C/s
    smoothed: float  # the controller's smoothed temperature
    watermark: Optional[float] = None  # its max_delta; None: another controller
    predictive: bool = False  # Kalico's MPC; else PID
    mind: Optional[Mind] = None  # what that MPC thinks, where it can be read
    power: float = 0.0  # what acts now ...
    dead: float = 0.0  # ... and goes on acting for so long


@dataclass(frozen=True)
class Course:
    """Seconds from now."""

    reached: float
    ready: float
    settled: bool = True  # False: `ready` is a guess, the simulation went on swinging
    crossing: float = 0.0  # slope at "reached"


def run(
    temps: Temps,
    plain: Vector,
    ambient: float,
    target: float,
    controller: Controller,
    traits: Traits,
) -> Optional[Course]:
    """None when the heater never gets there."""
    level = target - REACHED_DELTA
    start = 0.0
    if controller.dead > 0.0 and temps[2] < level:
        start = controller.dead
        temps = ConstantPower(plain, ambient, controller.power, temps).temps(start)
    if controller.watermark is not None:
        full = ConstantPower(plain, ambient, controller.max_power, temps)
        reached = full.rises_to(level)
        ready = full.rises_to(target - controller.watermark)
        if reached is None or ready is None:
            return None
        return Course(start + reached, start + ready)
    full = ConstantPower(plain, ambient, controller.max_power, temps)
    if full.final <= level:
        return None
    mind = None if controller.mind is None else controller.mind.copy()
    if mind is not None:
        ahead = mind.saturated(full, target, controller.max_power)
    elif controller.predictive:
        ahead = _saturated_predictive(full, plain, ambient, target, controller)
    else:
        ahead = _saturated(full, target, controller)
    if ahead is None:
        return None
    slope, smoothed = controller.slope, controller.smoothed
    if ahead > 0.0:
        temps = full.temps(ahead)
        slope = full.sensor(ahead)[1]
        smoothed = temps[2] - slope * controller.smooth_time
        start += ahead
    return _regulated(
        temps, plain, ambient, target, controller, traits, start, slope, smoothed, mind
    )


def _saturated(full: ConstantPower, target: float, controller: Controller) -> Optional[float]:
    """Seconds at full power until the PID begins to take it back; None: never."""
    kp, _, kd = controller.gains
    surplus = controller.integral - controller.max_power
    smooth = controller.smooth_time
    t = previous = 0.0
    for _ in range(40):
        shown, slope = full.sensor(t)
        slope_then = full.sensor(t - 0.5 * smooth)[1] if t > smooth else slope
        gap = kp * (target - shown) + surplus - kd * slope_then
        if gap <= 0.0:
            break
        speed = max(slope, full.block_slope(t), 1e-6)
        previous = t
        t += max(gap / (kp * speed), 0.1)
        if t > HORIZON:
            return None
    low, high = previous, t
    while high - low > 0.2:
        middle = 0.5 * (low + high)
        shown, slope = full.sensor(middle)
        if kp * (target - shown) + surplus - kd * slope > 0.0:
            low = middle
        else:
            high = middle
    return low


def _saturated_predictive(
    full: ConstantPower, plain: Vector, ambient: float, target: float, controller: Controller
) -> Optional[float]:
    """Seconds until MPC, which looks at the block, needs less than full power."""
    a, b = plain[0], plain[1]
    rate = 1.0 / REACH_TIME
    # where (target - T1) rate + b (T1 - Ta) = a top
    level = (target * rate - b * ambient - a * controller.max_power) / (rate - b)
    if full.temps(0.0)[0] >= level:
        return 0.0
    low, high = 0.0, 16.0
    while full.temps(high)[0] < level:
        low, high = high, 2.0 * high
        if high > HORIZON:
            return None
    while high - low > 0.2:
        middle = 0.5 * (low + high)
        if full.temps(middle)[0] < level:
            low = middle
        else:
            high = middle
    return low


def _regulated(
    temps: Temps,
    plain: Vector,
    ambient: float,
    target: float,
    controller: Controller,
    traits: Traits,
    t: float,
    slope: float,
    smoothed: float,
    mind: Optional[Mind],
) -> Optional[Course]:
    a, b, k1, k2, tau = plain
    t1, t2, ts = temps
    kp, ki, kd = controller.gains
    top, integral = controller.max_power, controller.integral
    level = target - REACHED_DELTA
    reached = 0.0 if ts >= level else -1.0
    ready = -1.0
    crossing = slope
    end = HORIZON if reached < 0.0 else traits.patience
    h = traits.step
    decay, blend = math.exp(-h / tau), min(1.0, h / controller.smooth_time)
    predictive, rate = controller.predictive, 1.0 / REACH_TIME
    settle_slope = math.inf if predictive else SETTLE_SLOPE
    wide, extra = False, 0.0
    for _ in range(_MAX_STEPS):
        error = target - ts
        if (error > 4.0 and slope < 0.5 and not predictive) != wide:
            # far away and slow: nothing happens within a long step
            wide = not wide
            h = traits.step * 4.0 if wide else traits.step
            decay, blend = math.exp(-h / tau), min(1.0, h / controller.smooth_time)
        wish = integral + ki * error * h
        wish = 0.0 if wish < 0.0 else top if wish > top else wish
        if mind is not None:
            power = mind.power(ts, target)
        elif predictive:
            # it does not know the inner mass; its idea of the ambient slowly makes up for that
            extra += b * h if extra < k1 * (t1 - t2) else -b * h
            power = ((target - t1) * rate + b * (t1 - ambient) + extra) / a
        else:
            power = kp * error + wish - kd * slope
        if power > top:
            power = top
        elif power < 0.0:
            power = 0.0
        else:
            integral = wish
        flow = t1 - t2
        n1 = t1 + h * (a * power - b * (t1 - ambient) - k1 * flow)
        t2 += h * k2 * flow
        mean = 0.5 * (t1 + n1)
        t1 = n1
        fresh = mean + (ts - mean) * decay
        if mind is not None:
            mind.step(h, ts, fresh - ts, power)
        slope += blend * ((fresh - ts) / h - slope)
        smoothed += blend * (fresh - smoothed)
        t += h
        if reached < 0.0 and fresh >= level:
            reached = t - h * (fresh - level) / (fresh - ts)
            crossing = slope
            end = t + traits.patience
        ts = fresh
        if (
            ready < 0.0
            and -SETTLE_DELTA <= target - smoothed <= SETTLE_DELTA
            and (-settle_slope <= slope <= settle_slope)
        ):
            ready = t
            end = min(end, t + 3.0 * traits.patience)
        if t > end or (ready >= 0.0 and reached >= 0.0):
            break
    if reached < 0.0:
        if ready < 0.0:
            return None
        reached = t  # settles short of the target: an integral that creeps
    if ready < 0.0:
        return Course(reached, reached + 20.0, False, crossing)
    return Course(reached, ready, True, crossing)
