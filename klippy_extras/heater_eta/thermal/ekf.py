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
# The covariance is symmetric: its upper triangle, row by row, is 36 numbers
_DIAGONAL = (0, 8, 15, 21, 26, 30, 33, 35)
_T2S = _DIAGONAL[2]


def _index(i: int, j: int) -> int:
    i, j = min(i, j), max(i, j)
    return _DIAGONAL[i] + j - i


_ROWS = tuple(tuple(_index(i, j) for j in range(8)) for i in range(8))
_AMONG_TEMPS = (0, 1, 2, 8, 9, 15)


class Filter:
    """One heater's state estimate."""

    __slots__ = ("_drift", "_noise", "_p", "_plain", "ambient", "x")

    def __init__(self, traits: Traits, params: Vector, sd: Vector, ambient: float) -> None:
        self._drift = tuple(q * q for q in traits.drift)
        self._noise = traits.noise * traits.noise
        self.ambient = ambient
        self.x: list[float] = [ambient, ambient, ambient, *params]
        self._p = [0.0] * 36
        self._plain = (0.0, 0.0, 0.0, 0.0, 0.0)
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

    def covariance(self, i: int, j: int) -> float:
        return self._p[_ROWS[i][j]]

    def set_variance(self, i: int, value: float) -> None:
        """Uncertain by itself alone: no covariance with the rest is left."""
        p = self._p
        for j in _ROWS[i]:
            p[j] = 0.0
        p[_DIAGONAL[i]] = value

    def place(self, shown: float, at_rest: bool, inner: Optional[float] = None) -> None:
        """Start afresh at the shown temperature, keeping the parameters."""
        x = self.x
        x[0] = x[2] = shown
        x[1] = shown if inner is None else inner
        self.set_variance(0, 4.0)
        self.set_variance(1, 1.0 if at_rest else 256.0)
        self.set_variance(2, 0.01)

    def set_params(self, params: Vector, sd: Vector) -> None:
        self.x[3:] = params
        old = self._p
        self._p = p = [0.0] * 36
        for i in _AMONG_TEMPS:
            p[i] = old[i]
        for i, s in zip(_DIAGONAL[3:], sd):
            p[i] = s * s
        self._unlog()

    def widen(self, index: int, sd: float) -> None:
        """Admit that one parameter (0 = ln a ...) may have changed by ``sd``."""
        self._p[_DIAGONAL[3 + index]] += sd * sd

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
        x, q = self.x, self._drift
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
        g = h if learn else 0.0
        (
            p00, p01, p02, p03, p04, p05, p06, p07, p11, p12, p13, p14, p15, p16, p17, p22, p23,
            p24, p25, p26, p27, p33, p34, p35, p36, p37, p44, p45, p46, p47, p55, p56, p57, p66,
            p67, p77,
        ) = self._p  # fmt: skip
        m00 = f00 * p00 + f01 * p01 + push * p03 + f04 * p04 + f05 * p05
        m01 = f00 * p01 + f01 * p11 + push * p13 + f04 * p14 + f05 * p15
        m02 = f00 * p02 + f01 * p12 + push * p23 + f04 * p24 + f05 * p25
        m03 = f00 * p03 + f01 * p13 + push * p33 + f04 * p34 + f05 * p35
        m04 = f00 * p04 + f01 * p14 + push * p34 + f04 * p44 + f05 * p45
        m05 = f00 * p05 + f01 * p15 + push * p35 + f04 * p45 + f05 * p55
        m06 = f00 * p06 + f01 * p16 + push * p36 + f04 * p46 + f05 * p56
        m07 = f00 * p07 + f01 * p17 + push * p37 + f04 * p47 + f05 * p57
        m10 = f10 * p00 + f11 * p01 + f16 * p06
        m11 = f10 * p01 + f11 * p11 + f16 * p16
        m12 = f10 * p02 + f11 * p12 + f16 * p26
        m13 = f10 * p03 + f11 * p13 + f16 * p36
        m14 = f10 * p04 + f11 * p14 + f16 * p46
        m15 = f10 * p05 + f11 * p15 + f16 * p56
        m16 = f10 * p06 + f11 * p16 + f16 * p66
        m17 = f10 * p07 + f11 * p17 + f16 * p67
        m20 = f20 * p00 + decay * p02 + f27 * p07
        m22 = f20 * p02 + decay * p22 + f27 * p27
        m23 = f20 * p03 + decay * p23 + f27 * p37
        m24 = f20 * p04 + decay * p24 + f27 * p47
        m25 = f20 * p05 + decay * p25 + f27 * p57
        m26 = f20 * p06 + decay * p26 + f27 * p67
        m27 = f20 * p07 + decay * p27 + f27 * p77
        self._p = [
            f00 * m00 + f01 * m01 + push * m03 + f04 * m04 + f05 * m05 + h * q[0],
            f10 * m00 + f11 * m01 + f16 * m06, f20 * m00 + decay * m02 + f27 * m07, m03, m04,
            m05, m06, m07, f10 * m10 + f11 * m11 + f16 * m16 + h * q[1],
            f20 * m10 + decay * m12 + f27 * m17, m13, m14, m15, m16, m17,
            f20 * m20 + decay * m22 + f27 * m27 + h * q[2], m23, m24, m25, m26, m27,
            p33 + g * q[3], p34, p35, p36, p37, p44 + g * q[4], p45, p46, p47, p55 + g * q[5],
            p56, p57, p66 + g * q[6], p67, p77 + g * q[7],
        ]  # fmt: skip

    def correct(self, shown: float, learn: bool) -> None:
        """Take a measurement of Ts; without ``learn`` only the temperatures follow it."""
        x = self.x
        error = shown - x[2]
        spread = self._p[_T2S] + self._noise
        if error * error > 25.0 * spread:
            # the model is wrong here: trust the sensor, keep what was learned
            extra = error * error / 9.0
            for i in range(3):
                self._p[_DIAGONAL[i]] += extra
            spread = self._p[_T2S] + self._noise
        (
            p00, p01, p02, p03, p04, p05, p06, p07, p11, p12, p13, p14, p15, p16, p17, p22, p23,
            p24, p25, p26, p27, p33, p34, p35, p36, p37, p44, p45, p46, p47, p55, p56, p57, p66,
            p67, p77,
        ) = self._p  # fmt: skip
        inverse = 1.0 / spread
        k0, k1, k2 = p02 * inverse, p12 * inverse, p22 * inverse
        x[0] += k0 * error
        x[1] += k1 * error
        x[2] += k2 * error
        k3, k4, k5 = p23 * inverse, p24 * inverse, p25 * inverse
        k6, k7 = p26 * inverse, p27 * inverse
        if learn:
            x[3] += k3 * error
            x[4] += k4 * error
            x[5] += k5 * error
            x[6] += k6 * error
            x[7] += k7 * error
            for i in range(5):
                if not LOW[i] <= x[3 + i] <= HIGH[i]:
                    x[3 + i] = min(HIGH[i], max(LOW[i], x[3 + i]))
            self._unlog()
        else:
            k3 = k4 = k5 = k6 = k7 = 0.0
        low, high = x[2] - _MAX_SPREAD, x[2] + _MAX_SPREAD
        x[0] = low if x[0] < low else high if x[0] > high else x[0]
        x[1] = low if x[1] < low else high if x[1] > high else x[1]
        self._p = p = [
            p00 - k0 * p02, p01 - k0 * p12, p02 - k0 * p22, p03 - k0 * p23, p04 - k0 * p24,
            p05 - k0 * p25, p06 - k0 * p26, p07 - k0 * p27, p11 - k1 * p12, p12 - k1 * p22,
            p13 - k1 * p23, p14 - k1 * p24, p15 - k1 * p25, p16 - k1 * p26, p17 - k1 * p27,
            p22 - k2 * p22, p23 - k2 * p23, p24 - k2 * p24, p25 - k2 * p25, p26 - k2 * p26,
            p27 - k2 * p27, p33 - k3 * p23, p34 - k3 * p24, p35 - k3 * p25, p36 - k3 * p26,
            p37 - k3 * p27, p44 - k4 * p24, p45 - k4 * p25, p46 - k4 * p26, p47 - k4 * p27,
            p55 - k5 * p25, p56 - k5 * p26, p57 - k5 * p27, p66 - k6 * p26, p67 - k6 * p27,
            p77 - k7 * p27,
        ]  # fmt: skip
        for i in _DIAGONAL:
            if p[i] < _FLOOR:
                p[i] = _FLOOR

    def sane(self) -> bool:
        """False once anything has become infinite or not a number."""
        p = self._p
        return math.isfinite(sum(self.x) + sum([p[i] for i in _DIAGONAL]))
