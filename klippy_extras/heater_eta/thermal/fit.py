# What a finished heat-up says about the heater
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Maximum a posteriori fit of the model to one recorded episode, in slices.

Levenberg-Marquardt with Huber weights; the derivatives are differences of whole simulations.
`fit` is a generator: each step of it takes well under a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Optional

from .model import Temps
from .traits import HIGH, LOW, Vector, clamp_vector

_CAPACITY = 320  # points of one episode; more are merged pairwise ...
_THINNED = 16  # ... so many at a time
_SIGMA = 0.35  # C, sensor and model
_HUBER = 2.0  # sigmas
_CORRELATED = 6.0  # neighbouring residuals say the same thing
_SLICE = 400  # simulated steps per slice
_ROUNDS = 8
_STEP = 0.02  # of the logs, for differences
_START_STEP = 0.5  # C, for the inner temperature at the start


#: time, shown, acting power, power
Point = tuple[float, float, float, float]


class Trace:
    """(time, shown, acting power, power) of an episode, in bounded memory."""

    def __init__(self, temps: Temps, ambient: float, start_sd: float) -> None:
        self.temps = temps
        self.ambient = ambient
        self.start_sd = start_sd  # of T2
        self.points: list[Point] = []
        self._stride = 1
        self._held: list[Point] = []
        self._merged: list[Point] = []  # the first points, thinned out
        self._thinning = 0  # points that are to be

    def add(self, time: float, shown: float, acting: float, power: float) -> None:
        self._held.append((time, shown, acting, power))
        if len(self._held) < self._stride:
            return
        held = self._held
        mean = sum(p[2] for p in held) / len(held)
        self.points.append((held[-1][0], held[-1][1], mean, power))
        self._held = []
        if self._thinning:
            self._thin()
        elif len(self.points) >= _CAPACITY:
            self._stride *= 2
            self._thinning = len(self.points) & ~1

    def _thin(self) -> None:
        """Merge some pairs: all of them at once would take too long for one second."""
        done = 2 * len(self._merged)
        end = min(done + _THINNED, self._thinning)
        points, merged = self.points, self._merged
        for i in range(done, end, 2):
            a, b = points[i], points[i + 1]
            merged.append((b[0], b[1], 0.5 * (a[2] + b[2]), b[3]))
        if end == self._thinning:
            self.points = merged + points[end:]
            self._merged, self._thinning = [], 0


@dataclass(frozen=True)
class Fit:
    params: Vector
    rms: float
    points: int


Steps = Generator[None, None, list[float]]


def _simulate(trace: Trace, logs: Sequence[float]) -> Steps:
    """The sensor's course for these parameters (the sixth is the inner temperature's offset)."""
    a, b, k1, k2, tau = (math.exp(v) for v in logs[:5])
    t1, t2, ts = trace.temps
    t2 += logs[5]
    ambient = trace.ambient
    points = trace.points
    last = points[0][0]
    course: list[float] = []
    done = 0
    decay, known = 0.0, -1.0
    for time, _, power, _ in points:
        left = time - last
        last = time
        while left > 0.0:
            h = left if left <= 2.0 else 2.0
            left -= h
            if h != known:
                decay, known = math.exp(-h / tau), h
            flow = t1 - t2
            n1 = t1 + h * (a * power - b * (t1 - ambient) - k1 * flow)
            t2 += h * k2 * flow
            mean = 0.5 * (t1 + n1)
            ts = mean + (ts - mean) * decay
            t1 = n1
            done += 1
        course.append(ts)
        if done >= _SLICE:
            done = 0
            yield
    return course


def fit(trace: Trace, prior: Vector, sd: Vector) -> Generator[None, None, Optional[Fit]]:
    """Run to the end (or let `work` do it); the result is the generator's value."""
    points = trace.points
    if len(points) < 15:
        return None
    centre = [*prior, 0.0]
    weight = [1.0 / (s * s) for s in (*sd, trace.start_sd)]
    best = list(centre)
    course = yield from _simulate(trace, best)
    cost = _cost(trace, course, best, centre, weight)
    damping = 1e-2
    for _ in range(_ROUNDS):
        columns = []
        for j in range(6):
            step = _START_STEP if j == 5 else _STEP
            moved = list(best)
            moved[j] += step
            other = yield from _simulate(trace, moved)
            columns.append([(n - c) / step for n, c in zip(other, course)])
        yield
        matrix, right = yield from _normal(trace, course, columns, best, centre, weight)
        improved = False
        for _ in range(4):
            move = _solve(matrix, right, damping)
            if move is None:
                damping *= 10.0
                continue
            trial = [
                b + max(-1.0, min(1.0, m)) if i < 5 else b + m
                for i, (b, m) in enumerate(zip(best, move))
            ]
            for i in range(5):
                trial[i] = min(HIGH[i], max(LOW[i], trial[i]))
            trial_course = yield from _simulate(trace, trial)
            trial_cost = _cost(trace, trial_course, trial, centre, weight)
            if trial_cost < cost:
                improved = cost - trial_cost > 1e-3 * cost
                best, course, cost = trial, trial_course, trial_cost
                damping = max(1e-6, damping * 0.2)
                break
            damping *= 6.0
        if not improved:
            break
    total = sum((p[1] - c) ** 2 for p, c in zip(points, course))
    rms = math.sqrt(total / len(points))
    if not math.isfinite(rms):
        return None
    return Fit(clamp_vector(best[:5]), rms, len(points))


def _cost(
    trace: Trace,
    course: Sequence[float],
    at: Sequence[float],
    centre: Sequence[float],
    weight: Sequence[float],
) -> float:
    share = _share(trace)
    total = 0.0
    for point, shown in zip(trace.points, course):
        r = abs(point[1] - shown) / _SIGMA
        total += share * (r * r if r <= _HUBER else _HUBER * (2.0 * r - _HUBER))
    total += sum(w * (v - c) ** 2 for w, v, c in zip(weight, at, centre))
    return total if math.isfinite(total) else math.inf


def _share(trace: Trace) -> float:
    """The weight of one point: long episodes are not more precise, only longer."""
    n = len(trace.points)
    return min(1.0, 150.0 / n) / _CORRELATED


def _normal(
    trace: Trace,
    course: Sequence[float],
    columns: Sequence[Sequence[float]],
    at: Sequence[float],
    centre: Sequence[float],
    weight: Sequence[float],
) -> Generator[None, None, tuple[list[list[float]], list[float]]]:
    n = len(columns)
    share = _share(trace) / (_SIGMA * _SIGMA)
    scaled: list[float] = []
    residual: list[float] = []
    for point, shown in zip(trace.points, course):
        r = point[1] - shown
        size = abs(r) / _SIGMA
        scaled.append(share if size <= _HUBER else share * _HUBER / size)
        residual.append(r)
    matrix = [[0.0] * n for _ in range(n)]
    right = [0.0] * n
    for i in range(n):
        wi = [w * c for w, c in zip(scaled, columns[i])]
        right[i] = sum(map(_times, wi, residual)) + weight[i] * (centre[i] - at[i])
        for j in range(i, n):
            matrix[i][j] = matrix[j][i] = sum(map(_times, wi, columns[j]))
        matrix[i][i] += weight[i]
        if i % 3 == 2:
            yield
    return matrix, right


def _times(a: float, b: float) -> float:
    return a * b


def _solve(
    matrix: Sequence[Sequence[float]], right: Sequence[float], damping: float
) -> Optional[list[float]]:
    """Gaussian elimination with pivoting of (M + damping diag M) x = right."""
    n = len(right)
    rows = [[*row, right[i]] for i, row in enumerate(matrix)]
    for i in range(n):
        rows[i][i] *= 1.0 + damping
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        if not abs(rows[pivot][i]) > 1e-12:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            for c in range(i, n + 1):
                rows[r][c] -= factor * rows[i][c]
    result = [0.0] * n
    for i in reversed(range(n)):
        total = rows[i][n] - sum(rows[i][c] * result[c] for c in range(i + 1, n))
        result[i] = total / rows[i][i]
    return result if all(math.isfinite(v) for v in result) else None
