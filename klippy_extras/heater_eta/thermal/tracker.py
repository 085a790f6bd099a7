# One heater: samples in, estimates out, learning at the end of each episode
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The one interface of the thermal model for both hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .gate import Gate, Means, Reading
from .greybox import GreyBox
from .phase import Phase
from .traits import ROOM, prior_of, traits_of
from .types import UNKNOWN_ESTIMATE, WITHOUT_ETA, Estimate, HeaterSpec, HeaterState, Sample

_CLIMBING = frozenset({HeaterState.HEATING, HeaterState.APPROACHING, HeaterState.SETTLING})


class HeaterTracker:
    """Follows one heater. Not thread-safe; never raises on bad samples (it ignores them).

    ``learned`` is what ``to_dict`` returned in an earlier life; anything unusable in it is ignored.
    """

    def __init__(
        self,
        spec: HeaterSpec,
        learned: Optional[Mapping[str, Any]] = None,
        cool_threshold: Optional[float] = None,
    ) -> None:
        self.spec = spec
        #: rises whenever `to_dict` has something new worth saving
        self.revision = 0
        self._traits = traits_of(spec)
        self._threshold = self._traits.cool_threshold if cool_threshold is None else cool_threshold
        self._gate = Gate()
        self._means = Means()
        self._phase = Phase(spec, self._traits, self._threshold)
        self._grey = GreyBox(spec, *prior_of(spec))
        self._forecast: tuple[float, float] = (0.0, 0.0)  # clock times of reached and ready
        self._known = False

    def update(self, sample: Sample) -> None:
        """Take one reading (any rate; readings older than the last one are ignored)."""
        reading = self._gate.accept(sample)
        if reading is None:
            return
        begun = self._phase.update(reading, self._gate.fresh)
        if self._gate.fresh:
            at_rest = reading.temperature <= 33.0
            ambient = reading.temperature if at_rest and reading.temperature > 5.0 else ROOM
            self._grey.place(reading.temperature, ambient, at_rest)
            self._means.clear()
        second = self._means.add(
            reading.time, reading.temperature, reading.power, self._gate.interval
        )
        if second is not None:
            time, temp, power, count = second
            climbing = self._phase.state in _CLIMBING
            self._grey.observe(
                time, temp, power, reading.integral, reading.target, count > 1, climbing
            )
        if begun or second is not None:
            self._predict(reading)

    def _predict(self, now: Reading) -> None:
        self._known = False
        if self._phase.state not in _CLIMBING:
            return
        course = self._grey.forecast(now.target, self._traits.lag)
        if course is None:
            return
        ready = course.ready if course.ready is not None else course.reached + 20.0
        self._forecast = now.time + course.reached, now.time + ready
        self._known = True

    def disturb(self, share: float = 0.3) -> None:
        """The losses may have changed by about ``share`` (fan, door, tool change)."""
        self._grey.filter.widen(1, min(1.0, abs(share)))

    def estimate(self, now: float) -> Estimate:
        """What is known at ``now``; costs at most 300 microseconds."""
        last = self._gate.last
        if last is None or not now - last.time < max(10.0, 4.0 * self._gate.interval):
            return UNKNOWN_ESTIMATE
        state = self._phase.state
        heating = state in _CLIMBING
        eta: Optional[float] = 0.0
        reached: Optional[float] = 0.0
        if heating and not self._known:
            state = HeaterState.UNREACHABLE
        if state in WITHOUT_ETA:
            eta = reached = None
        elif heating:
            eta = max(0.0, self._forecast[1] - now)
            reached = max(0.0, self._forecast[0] - now)
        elapsed = now - self._phase.since
        progress = None
        if heating and eta is not None and elapsed >= 0.0:
            progress = elapsed / max(elapsed + eta, 1e-3)
        cooldown = None
        if state is HeaterState.COOLING:
            rate = self._phase.rate
            goal = self._phase.target or self._threshold
            if rate is not None and rate < -0.01:
                cooldown = (last.temperature - goal) / -rate
        return Estimate(
            state=state,
            heating=heating,
            ready=state is HeaterState.READY,
            eta=eta,
            eta_reached=reached,
            eta_low=None if eta is None else max(0.0, 0.8 * eta - 1.0),
            eta_high=None if eta is None else 1.2 * eta + (1.0 if heating else 0.0),
            progress=progress,
            rate=self._phase.rate,
            learned=0,
            finish_time=None if eta is None else now + eta,
            cooldown_eta=cooldown,
        )

    def predict(self, start: float, target: float) -> Optional[float]:
        """Seconds a heat-up from ``start`` to ready at ``target`` would take, not yet begun."""
        grey = GreyBox(self.spec, *prior_of(self.spec))
        grey.place(start, min(start, ROOM) if start <= 33.0 else ROOM, start <= 33.0)
        course = grey.forecast(target, self._traits.lag)
        if course is None:
            return None
        return course.ready if course.ready is not None else course.reached + 20.0

    def work(self) -> bool:
        """Do one slice (under 1 ms) of pending learning; True while more is pending."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as JSON-able data with a ``version``."""
        return {"version": 1}
