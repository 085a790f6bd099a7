# Two masses and a lagging sensor: the physics of a printer heater
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The heater model and its closed-form solution for constant power.

    T1' = a u - b (T1 - Ta) - k1 (T1 - T2)     the block or the heated side of a plate
    T2' = k2 (T1 - T2)                         the rest of plate, frame, cartridge surroundings
    Ts' = (T1 - Ts) / tau                      what the thermistor shows

One time constant is not enough: thick plates heat fast at first and then soak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional

Temps = tuple[float, float, float]


class ConstantPower:
    """The course of the three temperatures while the power does not change."""

    __slots__ = ("_b1", "_c1", "_c2", "_d1", "_d2", "_d3", "_k1", "_l1", "_l2", "_lt", "final")

    def __init__(self, params: Sequence[float], ambient: float, power: float, temps: Temps) -> None:
        """``params`` are the plain a, b, k1, k2, tau."""
        a, b, k1, k2, tau = params
        self.final = final = ambient + a * power / b
        y1, y2, ys = temps[0] - final, temps[1] - final, temps[2] - final
        total = b + k1 + k2
        root = math.sqrt(max(total * total - 4.0 * b * k2, 1e-18))
        l1, l2 = 0.5 * (total + root), 0.5 * (total - root)
        slope = -(b + k1) * y1 + k1 * y2
        c1 = -(slope + l2 * y1) / (l1 - l2)
        c2 = y1 - c1
        lt = 1.0 / tau
        if abs(l1 - lt) < 1e-3 * lt:  # equal time constants: step aside, the effect is invisible
            lt *= 1.002
        if abs(l2 - lt) < 1e-3 * lt:
            lt *= 1.002
        self._d1, self._d2 = c1 * lt / (lt - l1), c2 * lt / (lt - l2)
        self._d3 = ys - self._d1 - self._d2
        self._c1, self._c2, self._l1, self._l2, self._lt = c1, c2, l1, l2, lt
        self._b1, self._k1 = b + k1, k1

    def sensor(self, t: float) -> tuple[float, float]:
        """Shown temperature and its slope after ``t`` seconds."""
        e1 = self._d1 * math.exp(-self._l1 * t)
        e2 = self._d2 * math.exp(-self._l2 * t)
        e3 = self._d3 * math.exp(-self._lt * t)
        return self.final + e1 + e2 + e3, -self._l1 * e1 - self._l2 * e2 - self._lt * e3

    def block_slope(self, t: float) -> float:
        return -self._l1 * self._c1 * math.exp(-self._l1 * t) - self._l2 * self._c2 * math.exp(
            -self._l2 * t
        )

    def temps(self, t: float) -> Temps:
        e1 = self._c1 * math.exp(-self._l1 * t)
        e2 = self._c2 * math.exp(-self._l2 * t)
        y1 = e1 + e2
        y2 = (-self._l1 * e1 - self._l2 * e2 + self._b1 * y1) / self._k1
        return self.final + y1, self.final + y2, self.sensor(t)[0]

    def rises_to(self, level: float, limit: float = 7200.0) -> Optional[float]:
        """Seconds until the sensor shows ``level`` from below; None when it never does."""
        return self.crosses(level, 1.0, limit)

    def falls_to(self, level: float, limit: float = 36000.0) -> Optional[float]:
        """Seconds until the sensor shows ``level`` from above; None when it never does."""
        return self.crosses(level, -1.0, limit)

    def crosses(self, level: float, sign: float, limit: float) -> Optional[float]:
        if sign * (self.final - level) <= 0.0:
            return None
        t = 0.0
        previous = 0.0
        for _ in range(40):
            shown, slope = self.sensor(t)
            gap = sign * (level - shown)
            if gap <= 0.0:
                break
            # The course is concave once the sensor lag is over: Newton's steps never pass the goal
            speed = max(sign * slope, sign * self.block_slope(t), 1e-6)
            previous = t
            t += max(gap / speed, 0.02)
            if t > limit:
                return None
            if gap < 0.02:
                return t
        else:
            return t
        low, high = previous, t
        for _ in range(12):
            if high - low < 0.05:
                break
            middle = 0.5 * (low + high)
            if sign * (level - self.sensor(middle)[0]) > 0.0:
                low = middle
            else:
                high = middle
        return high
