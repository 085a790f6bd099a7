# One heat-up while it runs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Keeps the prediction of a running heat-up steady, judges whether it will come to an end at all,
and records what is needed to learn from it."""

from __future__ import annotations

import math
from collections import deque
from typing import Optional

from .estimator import Estimator
from .fit import Trace
from .fuse import Forecast, fuse
from .gate import Reading
from .greybox import GreyBox
from .learn import Lesson
from .memory import Memory
from .residual import place
from .simulate import Course
from .traits import REACHED_DELTA, Traits
from .types import HeaterKind, HeaterSpec, HeaterState

STEADY = 2.8  # s: how fast the published finish follows the computed one ...
_STEADY_READY = 5.0  # ... where the settle tail adds its own unrest
_SURE = 10.0  # s for which a heater must look unreachable
_STALL_SHARE = 0.2
_NEVER_REACHED = 240.0  # s after "ready": a controller that holds half a degree too little
_STALL_RISE = 2.0  # C that the model must have expected before it says "stalled"


class HeatUp:
    """From the moment a higher target is set until the heater has settled."""

    def __init__(
        self,
        spec: HeaterSpec,
        traits: Traits,
        grey: GreyBox,
        memory: Memory,
        now: Reading,
        other: Optional[Estimator] = None,
    ) -> None:
        """``other`` foretells instead of ``grey``, which goes on following the heater."""
        self._spec, self._traits, self._grey, self._memory = spec, traits, grey, memory
        self._other = other
        self._hot = spec.kind is HeaterKind.HOTEND
        trace = Trace(grey.filter.temps, grey.ambient, grey.filter.covariance(1, 1) ** 0.5)
        mind = None if grey.mind is None else grey.mind.copy()
        self.lesson = Lesson(now.temperature, now.target, now.time, grey.integral, trace, mind)
        self.trouble: Optional[HeaterState] = None
        #: clock times and distances of the published forecast
        self.reached_at = self.ready_at = now.time
        self.forecast: Optional[Forecast] = None
        self._time = now.time
        self._hopeless: Optional[float] = None
        self._expected: deque[tuple[float, float, float]] = deque()  # time, shown, model's rise
        self._should = 0.0  # sum of those rises
        self._power, self._loss = math.exp(grey.prior[0]), math.exp(grey.prior[1])
        self._span, self._least = max(10.0, 3.0 * math.exp(grey.prior[4])), _STALL_RISE
        if not spec.has_power:  # whole degrees, and full power is only assumed
            self._span, self._least = 3.0 * self._span, 2.5 * self._least
        self._noted = -1

    @property
    def done(self) -> bool:
        return self.lesson.ready is not None and self.lesson.reached is not None

    def watch(self, now: Reading, ready: bool) -> None:
        """Every reading: has something been reached?"""
        lesson = self.lesson
        if lesson.reached is None and now.temperature >= now.target - REACHED_DELTA:
            lesson.reached = now.time - lesson.since
        elapsed = now.time - lesson.since
        if lesson.ready is None:
            lesson.ready = elapsed if ready else None
        elif lesson.reached is None and elapsed - lesson.ready > _NEVER_REACHED:
            lesson.reached = lesson.ready

    def second(self, time: float, shown: float, target: float) -> None:
        """Every second: record, and look for trouble."""
        grey = self._grey
        self.lesson.trace.add(time, shown, grey.acting, grey.power)
        if self._other is not None:
            self._other.follow(time, shown, grey.acting, grey.power, target)
        self._judge(time, shown, target)

    def _judge(self, time: float, shown: float, target: float) -> None:
        grey, expected = self._grey, self._expected
        top = self._spec.max_power
        if grey.acting < 0.95 * top or self.lesson.reached is not None:
            expected.clear()
            self._should = 0.0
            self._hopeless = None
            self.trouble = None
            return
        a, b = self._power, self._loss
        span = self._span
        dt = time - expected[-1][0] if expected else 0.0
        rise = max(0.0, a * grey.acting - b * (shown - grey.ambient)) * dt
        expected.append((time, shown, rise))
        self._should += rise
        while len(expected) > 2 and time - expected[1][0] >= span:
            self._should -= expected.popleft()[2]
        trouble = None
        if time - expected[0][0] >= span:
            should = 0.6 * self._should  # the rest goes into the inner mass
            if should > self._least and shown - expected[0][1] < _STALL_SHARE * should:
                trouble = HeaterState.STALLED
        if grey.reachable(target):
            self._hopeless = None
        else:
            if self._hopeless is None:
                self._hopeless = time
            if time - self._hopeless >= _SURE and (
                trouble is None or shown - self.lesson.start > 10.0
            ):
                trouble = HeaterState.UNREACHABLE
        self.trouble = trouble

    def predict(self, now: Reading) -> None:
        """Compute the forecast of this second."""
        lesson = self.lesson
        estimator: Estimator = self._other or self._grey
        course = estimator.forecast(now.target, self._traits.lag)
        if course is None:
            course = self._grey.forecast_as_learned(now.target) or self._guess(now)
        elapsed = now.time - lesson.since
        since = None if lesson.reached is None else max(0.0, elapsed - lesson.reached)
        at = place(elapsed, course.reached, since)
        forecast = fuse(
            course,
            self._memory,
            self._traits,
            self._hot,
            lesson.start,
            now.target,
            elapsed,
            at,
            since,
        )
        reached_at, ready_at = now.time + forecast.reached, now.time + forecast.ready
        if self.forecast is not None:
            passed = now.time - self._time
            share = 1.0 - math.exp(-passed / STEADY)
            reached_at = self.reached_at + share * (reached_at - self.reached_at)
            share = 1.0 - math.exp(-passed / _STEADY_READY)
            ready_at = self.ready_at + share * (ready_at - self.ready_at)
        self.reached_at, self.ready_at, self._time = reached_at, ready_at, now.time
        self.forecast = forecast
        if int(at) != self._noted:
            self._noted = int(at)
            if since is None:
                lesson.said_reached.append(
                    (reached_at - lesson.since, forecast.reached_less, forecast.reached_more)
                )
            if lesson.ready is None:
                lesson.said_ready.append(
                    (ready_at - lesson.since, forecast.ready_less, forecast.ready_more)
                )

    @staticmethod
    def foresee(
        spec: HeaterSpec,
        traits: Traits,
        estimator: Estimator,
        memory: Memory,
        start: float,
        target: float,
    ) -> Optional[float]:
        """Seconds from ``start`` to ready, for a heat-up that has not begun."""
        course = estimator.forecast(target, traits.lag)
        if course is None:
            return None
        hot = spec.kind is HeaterKind.HOTEND
        return fuse(course, memory, traits, hot, start, target, 0.0, 0.0, None).ready

    def _guess(self, now: Reading) -> Course:
        """Neither the present nor the learned parameters get there: as long again, and more."""
        left = max(60.0, 1.5 * (now.time - self.lesson.since))
        return Course(left, left + 20.0, False)
