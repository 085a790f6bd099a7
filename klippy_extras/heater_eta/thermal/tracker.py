# One heater: samples in, estimates out, learning at the end of each episode
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The one interface of the thermal model for both hosts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from .cooldown import CoolDown
from .estimator import Estimator, EstimatorFactory
from .gate import Gate, Means, Reading, number
from .greybox import GreyBox
from .health import verdict
from .heatup import STEADY as _STEADY
from .heatup import HeatUp
from .learn import study
from .memory import restore
from .phase import Phase
from .traits import ROOM, SETTLE_DELTA, Vector, prior_of, traits_of
from .types import (
    UNKNOWN_ESTIMATE,
    WITHOUT_ETA,
    Estimate,
    HeaterKind,
    HeaterSpec,
    HeaterState,
    Sample,
)

_CLIMBING = frozenset({HeaterState.HEATING, HeaterState.APPROACHING, HeaterState.SETTLING})
_WORTH_LEARNING = 8.0  # C of swing
_IDLE_WARMEST = 36.0  # C: what may be a room (or an enclosure) and not a heater cooling down
_STALE = 10.0  # s without a sample, or four of its usual intervals
_PENDING = 2  # heat-ups waiting to be studied
#: time, temperature, power, integral, target, made of fast samples, is climbing
Second = tuple[float, float, Optional[float], Optional[float], float, bool, bool]


class HeaterTracker:
    """Follows one heater. Not thread-safe; never raises on bad samples (it ignores them).

    ``learned`` is what ``to_dict`` returned in an earlier life; anything unusable in it is ignored.
    ``estimator`` makes what foretells instead of the two-mass model (see `estimator`).
    """

    def __init__(
        self,
        spec: HeaterSpec,
        learned: Optional[Mapping[str, Any]] = None,
        cool_threshold: Optional[float] = None,
        estimator: Optional[EstimatorFactory] = None,
    ) -> None:
        self.spec = spec
        #: rises whenever `to_dict` has something new worth saving
        self.revision = 0
        self._traits = traits_of(spec)
        self._hot = spec.kind is HeaterKind.HOTEND
        threshold = number(cool_threshold)
        self._threshold = self._traits.cool_threshold if threshold is None else threshold
        self._memory = restore(learned, spec)
        self._make = estimator
        self._gate = Gate()
        self._means = Means()
        self._phase = Phase(spec, self._traits, self._threshold)
        self._grey = GreyBox(spec, *self._prior())
        self._grey.integral = self._memory.integral
        self._heatup: Optional[HeatUp] = None
        self._cooldown: Optional[CoolDown] = None
        self._cool_at: Optional[float] = None  # clock time at which it will be cool
        self._cool_time: Optional[float] = None  # of that
        self._due: Optional[Reading] = None  # not yet forecast from
        self._pending: Optional[Second] = None  # not yet looked at
        self._jobs: list[Iterator[None]] = []
        self._health = verdict(spec.name, self._memory.strengths)

    def _prior(self) -> tuple[Vector, Vector]:
        memory = self._memory
        if memory.params is None:
            return prior_of(self.spec)
        return memory.params, memory.spread(self._traits.loose)

    def update(self, sample: Sample) -> None:
        """Take one reading (any rate; readings older than the last one are ignored)."""
        gate, phase = self._gate, self._phase
        now = gate.accept(sample)
        if now is None:
            return
        resting = phase.state in (HeaterState.OFF, HeaterState.COOLED, HeaterState.UNKNOWN)
        rate = phase.rate
        begun = phase.update(now, gate.fresh)
        if gate.fresh:
            self._restart(now)
        if begun:
            self._begin(now, resting and (rate is None or abs(rate) < 0.05))
        elif phase.state in _CLIMBING and self._heatup is None:
            self._climb(now)  # fell out of its band
        elif phase.state is HeaterState.COOLING and self._cooldown is None:
            self._cool(now)
        heatup = self._heatup
        if heatup is not None:
            heatup.watch(now, phase.state is HeaterState.READY)
        second = self._means.add(now.time, now.temperature, now.power, gate.interval)
        if second is not None:
            self._catch_up()
            time, temp, power, count = second
            climbing = phase.state in _CLIMBING
            self._pending = time, temp, power, now.integral, now.target, count > 1, climbing
        if begun or second is not None:
            self._settle(now)

    def _catch_up(self) -> None:
        """Look at the last second. `update` leaves that to whoever asks next: it shall be cheap,
        and is called far more often than anybody asks."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        self._grey.observe(*pending)
        if self._heatup is not None:
            self._heatup.second(pending[0], pending[1], pending[4])
        if self._cooldown is not None:
            self._cooldown.second(pending[0], pending[1])

    def _restart(self, now: Reading) -> None:
        """A new life, a long gap or another clock: nothing is known of the inside."""
        self._catch_up()
        at_rest = now.temperature <= 33.0 and (
            now.target <= 0.0 or self._memory.ambient is None or now.temperature < ROOM + 5.0
        )
        ambient = now.temperature if at_rest and now.temperature > 0.0 else self._room()
        self._grey.place(now.temperature, ambient, at_rest)
        self._means.clear()
        self._heatup = None
        self._cooldown = None

    def _room(self) -> float:
        return ROOM if self._memory.ambient is None else self._memory.ambient

    def _begin(self, now: Reading, resting: bool) -> None:
        """A new target."""
        self._catch_up()
        self._end_heatup()
        self._end_cooldown()
        if resting and 0.0 < now.temperature <= _IDLE_WARMEST and now.target > now.temperature:
            self._grey.set_ambient(now.temperature)
            self._memory.ambient = now.temperature
        state = self._phase.state
        if state in _CLIMBING:
            self._climb(now)
        elif state is HeaterState.COOLING:
            self._cool(now)

    def _climb(self, now: Reading) -> None:
        self._catch_up()
        self._end_cooldown()
        self._grey.set_prior(*self._prior())
        self._grey.assume_integral(now.target)
        other = None if self._make is None else self._make(self.spec, self._grey.ambient)
        self._heatup = HeatUp(self.spec, self._traits, self._grey, self._memory, now, other)

    def _cool(self, now: Reading) -> None:
        self._catch_up()
        self._cool_at = self._cool_time = None
        self._cooldown = CoolDown(
            self._traits, self._hot, self._memory, now.temperature, self._grey.ambient
        )

    def _end_heatup(self) -> None:
        heatup, self._heatup = self._heatup, None
        if heatup is None or heatup.trouble is not None:
            return
        lesson = heatup.lesson
        if not heatup.done or lesson.target - lesson.start < _WORTH_LEARNING:
            return  # broken off: half a heat-up has proved to teach more wrong than right
        self._memory.integral = self._grey.integral
        self._jobs.append(study(lesson, self._memory, self.spec, self._make))
        del self._jobs[:-_PENDING]

    def _end_cooldown(self) -> None:
        cooldown, self._cooldown = self._cooldown, None
        if cooldown is not None and cooldown.learned:
            self._memory.cools += 1
            self.revision += 1

    def _settle(self, now: Reading) -> None:
        """Once a second: end what has come to its end, and let the next estimate compute afresh."""
        state = self._phase.state
        if self._heatup is not None:
            if self._heatup.done:
                self._catch_up()
                self._end_heatup()
            elif state is HeaterState.CALIBRATING:
                self._heatup = None
        if self._cooldown is not None and state is not HeaterState.COOLING:
            self._catch_up()
            self._end_cooldown()
        self._due = now

    def _predict(self, now: Reading) -> None:
        if self._heatup is not None:
            self._heatup.predict(now)
        if self._cooldown is not None:
            target = self._phase.target
            left = self._cooldown.left(target + SETTLE_DELTA if target > 0.0 else self._threshold)
            self._cool_at = None if left is None else self._steady(now.time, left)

    def _steady(self, time: float, left: float) -> float:
        """The published end follows the computed one within a few seconds."""
        before, self._cool_time = self._cool_time, time
        if self._cool_at is None or before is None:
            return time + left
        share = 1.0 - math.exp(-max(0.0, time - before) / _STEADY)
        return self._cool_at + share * (time + left - self._cool_at)

    def disturb(self, share: float = 0.3) -> None:
        """The losses may have changed by about ``share`` (fan, door, tool change)."""
        size = number(share)
        if size is not None:
            self._catch_up()
            self._grey.filter.widen(1, min(1.0, abs(size)))

    def estimate(self, now: float) -> Estimate:
        """What is known at ``now``; costs at most 300 microseconds."""
        last, clock = self._gate.last, number(now)
        if last is None or clock is None:
            return UNKNOWN_ESTIMATE
        if clock - last.time > max(_STALE, 4.0 * self._gate.interval):
            return UNKNOWN_ESTIMATE
        clock = max(clock, last.time)
        self._catch_up()
        if self._due is not None:
            due, self._due = self._due, None
            self._predict(due)
        state, heatup = self._phase.state, self._heatup
        heating = state in _CLIMBING or state is HeaterState.CALIBRATING
        if heatup is not None and heatup.trouble is not None and state in _CLIMBING:
            state = heatup.trouble
        eta: Optional[float] = None
        reached: Optional[float] = None
        bounds: tuple[Optional[float], ...] = (None, None, None, None)
        progress = None
        if state not in WITHOUT_ETA:
            eta = reached = 0.0
            bounds = (0.0, 0.0, 0.0, 0.0)
            if heatup is not None and heatup.forecast is not None:
                eta, reached, bounds = self._running(heatup, clock, state in _CLIMBING)
            if state in _CLIMBING:
                elapsed = max(0.0, clock - self._phase.since)
                progress = min(1.0, elapsed / max(elapsed + eta, 1e-3))
        cooldown = None
        if state is HeaterState.COOLING and self._cool_at is not None:
            cooldown = max(0.0, self._cool_at - clock)
        return Estimate(
            state=state,
            heating=heating,
            ready=state is HeaterState.READY,
            eta=eta,
            eta_reached=reached,
            eta_low=bounds[0],
            eta_high=bounds[1],
            progress=progress,
            rate=self._phase.rate,
            learned=self._memory.heats,
            finish_time=None if eta is None else clock + eta,
            cooldown_eta=cooldown,
            health=self._health,
            reached_low=bounds[2],
            reached_high=bounds[3],
        )

    @staticmethod
    def _running(
        heatup: HeatUp, clock: float, climbing: bool
    ) -> tuple[float, float, tuple[Optional[float], ...]]:
        """eta, eta_reached and their bounds while a heat-up runs."""
        f = heatup.forecast
        assert f is not None
        reached = low = high = 0.0
        if heatup.lesson.reached is None:
            reached = max(0.0, heatup.reached_at - clock)
            low, high = max(0.0, reached - f.reached_less), reached + f.reached_more
        if not climbing:  # ready, though still short of the target: a bed's last half degree
            return 0.0, reached, (0.0, 0.0, low, high)
        eta = max(0.0, heatup.ready_at - clock)
        return eta, reached, (max(0.0, eta - f.ready_less), eta + f.ready_more, low, high)

    def predict(self, start: float, target: float) -> Optional[float]:
        """Seconds a heat-up from ``start`` to ready at ``target`` would take, not yet begun."""
        first, goal = number(start), number(target)
        if first is None or goal is None or goal <= first:
            return None if first is None or goal is None else 0.0
        self._catch_up()
        grey = GreyBox(self.spec, *self._prior())
        last = self._gate.last
        if last is not None and abs(last.temperature - first) < 3.0:
            grey.resume(self._grey.filter.temps, self._grey.ambient, 1.0)
        else:
            at_rest = first <= _IDLE_WARMEST
            grey.place(first, first if at_rest else self._room(), at_rest)
        grey.integral = self._grey.integral
        grey.assume_integral(goal)
        estimator: Estimator = grey
        if self._make is not None:
            estimator = self._make(self.spec, grey.ambient)
            estimator.follow(0.0, first, 0.0, 0.0, goal)
        return HeatUp.foresee(self.spec, self._traits, estimator, self._memory, first, goal)

    def cools_to(self, level: float) -> Optional[float]:
        """Seconds until a heater that is cooling has fallen to ``level``; None: not known."""
        goal = number(level)
        self._catch_up()
        if goal is None or self._cooldown is None:
            return None
        return self._cooldown.left(goal)

    def work(self) -> bool:
        """Do one slice (under 1 ms) of pending learning; True while more is pending."""
        if not self._jobs:
            return False
        try:
            next(self._jobs[0])
        except StopIteration:
            del self._jobs[0]
            self._health = verdict(self.spec.name, self._memory.strengths)
            self.revision += 1
        return bool(self._jobs)

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as JSON-able data with a ``version``."""
        return self._memory.to_dict(self.spec)
