# Where the heater is: temperatures it does not show, parameters it does not tell
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Extended Kalman filter over T1, T2, Ts and the logs of a, b, k1, k2, tau.

Only three rows of the transition differ from identity, and the code exploits that: it runs for
every heater once a second on machines that must also step motors.
"""

from __future__ import annotations

import math
from typing import Optional

from .model import Temps
from .traits import HIGH, LOW, Traits, Vector

_MAX_SPREAD = 60.0  # nothing inside a heater is further from its thermistor
_FLOOR = 1e-9


class Filter:
    """One heater's state estimate."""

    __slots__ = ("_drift", "_noise", "_plain", "ambient", "cov", "surprise", "x")

    def __init__(self, traits: Traits, params: Vector, sd: Vector, ambient: float) -> None:
        self._drift = tuple(q * q for q in traits.drift)
        self._noise = traits.noise * traits.noise
        self.ambient = ambient
        self.x: list[float] = [ambient, ambient, ambient, *params]
        self.cov: list[list[float]] = [[0.0] * 8 for _ in range(8)]
        self._plain = (0.0, 0.0, 0.0, 0.0, 0.0)
        #: smoothed square of the normalised innovation; about 1 or less while the model fits
        self.surprise = 0.0
        self.set_params(params, sd)
        self.place(ambient, at_rest=True)

    @property
    def temps(self) -> Temps:
        return self.x[0], self.x[1], self.x[2]

    @property
    def logs(self) -> Vector:
        x = self.x
        return x[3], x[4], x[5], x[6], x[7]

    @property
    def plain(self) -> Vector:
        """a, b, k1, k2, tau."""
        return self._plain

    def place(self, shown: float, at_rest: bool, inner: Optional[float] = None) -> None:
        """Start afresh at the shown temperature, keeping the parameters."""
        x, cov = self.x, self.cov
        x[0] = x[2] = shown
        x[1] = shown if inner is None else inner
        for i in range(3):
            for j in range(8):
                cov[i][j] = cov[j][i] = 0.0
        cov[0][0] = 4.0
        cov[1][1] = 1.0 if at_rest else 256.0
        cov[2][2] = 0.01
        self.surprise = 0.0

    def set_params(self, params: Vector, sd: Vector) -> None:
        cov = self.cov
        self.x[3:] = params
        for i in range(5):
            for j in range(8):
                cov[3 + i][j] = cov[j][3 + i] = 0.0
            cov[3 + i][3 + i] = sd[i] * sd[i]
        self._unlog()

    def widen(self, index: int, sd: float) -> None:
        """Admit that one parameter (0 = ln a ...) may have changed by ``sd``."""
        self.cov[3 + index][3 + index] += sd * sd

    def _unlog(self) -> None:
        x = self.x
        exp = math.exp
        self._plain = (exp(x[3]), exp(x[4]), exp(x[5]), exp(x[6]), exp(x[7]))

    def advance(self, dt: float, power: float, learn: bool) -> None:
        """Predict over ``dt`` seconds at ``power``; parameters drift only while learned."""
        while dt > 2.0:
            self._step(2.0, power, learn)
            dt -= 2.0
        if dt > 0.0:
            self._step(dt, power, learn)

    def _step(self, h: float, power: float, learn: bool) -> None:
        x, cov, q = self.x, self.cov, self._drift
        a, b, k1, k2, tau = self._plain
        t1, t2, ts = x[0], x[1], x[2]
        over, flow = t1 - self.ambient, t1 - t2
        push = h * a * power
        x[0] = n1 = t1 + push - h * (b * over + k1 * flow)
        x[1] = t2 + h * k2 * flow
        decay = math.exp(-h / tau)
        mean = 0.5 * (t1 + n1)
        x[2] = mean + (ts - mean) * decay
        # Jacobian rows: f0 over T1 T2 a b k1, f1 over T1 T2 k2, f2 over T1 Ts tau
        f00, f01, f04, f05 = 1.0 - h * (b + k1), h * k1, -h * b * over, -h * k1 * flow
        f10, f11, f16 = h * k2, 1.0 - h * k2, h * k2 * flow
        f20, f27 = 1.0 - decay, (ts - mean) * decay * h / tau
        p0, p1, p2, p3, p4, p5, p6, p7 = cov
        m0, m1, m2 = [0.0] * 8, [0.0] * 8, [0.0] * 8
        for j in range(8):
            c0, c1 = p0[j], p1[j]
            m0[j] = f00 * c0 + f01 * c1 + push * p3[j] + f04 * p4[j] + f05 * p5[j]
            m1[j] = f10 * c0 + f11 * c1 + f16 * p6[j]
            m2[j] = f20 * c0 + decay * p2[j] + f27 * p7[j]
        p0[0] = f00 * m0[0] + f01 * m0[1] + push * m0[3] + f04 * m0[4] + f05 * m0[5] + h * q[0]
        p0[1] = p1[0] = f10 * m0[0] + f11 * m0[1] + f16 * m0[6]
        p0[2] = p2[0] = f20 * m0[0] + decay * m0[2] + f27 * m0[7]
        p1[1] = f10 * m1[0] + f11 * m1[1] + f16 * m1[6] + h * q[1]
        p1[2] = p2[1] = f20 * m1[0] + decay * m1[2] + f27 * m1[7]
        p2[2] = f20 * m2[0] + decay * m2[2] + f27 * m2[7] + h * q[2]
        p0[3:] = m0[3:]
        p1[3:] = m1[3:]
        p2[3:] = m2[3:]
        p3[0], p3[1], p3[2] = m0[3], m1[3], m2[3]
        p4[0], p4[1], p4[2] = m0[4], m1[4], m2[4]
        p5[0], p5[1], p5[2] = m0[5], m1[5], m2[5]
        p6[0], p6[1], p6[2] = m0[6], m1[6], m2[6]
        p7[0], p7[1], p7[2] = m0[7], m1[7], m2[7]
        if learn:
            p3[3] += h * q[3]
            p4[4] += h * q[4]
            p5[5] += h * q[5]
            p6[6] += h * q[6]
            p7[7] += h * q[7]

    def correct(self, shown: float, learn: bool) -> None:
        """Take a measurement of Ts; without ``learn`` only the temperatures follow it."""
        x, cov = self.x, self.cov
        error = shown - x[2]
        spread = cov[2][2] + self._noise
        odd = error * error / spread
        self.surprise += 0.1 * (min(odd, 100.0) - self.surprise)
        if odd > 25.0:  # the model is wrong here: trust the sensor, keep what was learned
            extra = error * error / 9.0
            for i in range(3):
                cov[i][i] += extra
            spread = cov[2][2] + self._noise
        inverse = 1.0 / spread
        column = cov[2][:] if learn else [*cov[2][:3], 0.0, 0.0, 0.0, 0.0, 0.0]
        full = cov[2][:]
        for i in range(8 if learn else 3):
            gain = column[i] * inverse
            x[i] += gain * error
            row = cov[i]
            for j in range(i, 8):
                row[j] = cov[j][i] = row[j] - gain * full[j]
            if row[i] < _FLOOR:
                row[i] = _FLOOR
        low, high = x[2] - _MAX_SPREAD, x[2] + _MAX_SPREAD
        x[0] = low if x[0] < low else high if x[0] > high else x[0]
        x[1] = low if x[1] < low else high if x[1] > high else x[1]
        if learn:
            for i in range(5):
                value = x[3 + i]
                if not LOW[i] <= value <= HIGH[i]:
                    x[3 + i] = min(HIGH[i], max(LOW[i], value))
            self._unlog()

    def sane(self) -> bool:
        """False once anything has become infinite or not a number."""
        total = sum(self.x) + self.cov[0][0] + self.cov[1][1] + self.cov[2][2]
        total += self.cov[3][3] + self.cov[4][4] + self.cov[5][5] + self.cov[6][6] + self.cov[7][7]
        return math.isfinite(total)
